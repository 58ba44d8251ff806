/** Mass deletions wait for the operator, on the host where they happen and on those that hear of them. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { Cluster, type Host, until } from './cluster.ts'

const FILES = 40

describe('the brake on deletions', () => {
  let cluster: Cluster
  const images = (host: Host) => readdirSync(host.path('images')).length
  const problem = async (host: Host, kind: string) =>
    (await host.status())?.folders[0]?.problems.some((p) => p.kind === kind) === true

  before(async () => {
    cluster = await Cluster.start({ hosts: 2 })
    mkdirSync(cluster.host(0).path('images'))
    for (let i = 0; i < FILES; i++) writeFileSync(cluster.host(0).path('images', `${i}.img`), `image ${i}`)
    await until(
      'all are on host2',
      () => existsSync(cluster.host(1).path('images')) && images(cluster.host(1)) === FILES,
    )
  })
  after(() => cluster[Symbol.asyncDispose]())

  test('holds when more than a quarter vanishes at once, and discard fetches it back', async () => {
    const [one, two] = [cluster.host(0), cluster.host(1)]
    for (let i = 0; i < 24; i++) rmSync(one.path('images', `${i}.img`))
    await until('it is held', () => problem(one, 'held-deletions'))
    assert.equal(images(two), FILES, 'nothing was deleted on the other host')
    assert.equal((await one.cli('discard')).code, 0)
    await until('all are back', () => images(one) === FILES)
    assert.equal(await problem(one, 'held-deletions'), false)
  })

  test('lets a few go at once', async () => {
    const [one, two] = [cluster.host(0), cluster.host(1)]
    for (let i = 0; i < 2; i++) rmSync(one.path('images', `${i}.img`))
    await until('they are gone', () => images(two) === FILES - 2)
  })

  test('holds on the host that hears of it too, and approve lets it go on each', async () => {
    const [one, two] = [cluster.host(0), cluster.host(1)]
    for (let i = 2; i < 30; i++) rmSync(one.path('images', `${i}.img`))
    await until('it is held', () => problem(one, 'held-deletions'))
    assert.equal((await one.cli('approve')).code, 0)
    await until('it is held there as well', () => problem(two, 'held-removals'))
    assert.equal(images(two), FILES - 2)
    const answer = await two.cli('approve')
    assert.equal(answer.code, 0, answer.stderr)
    await until('they are gone', () => images(two) === FILES - 30)
  })

  test('lets discard on the host that hears of it bring all back everywhere', async () => {
    const [one, two] = [cluster.host(0), cluster.host(1)]
    rmSync(one.path('images'), { recursive: true })
    await until('it is held', () => problem(one, 'held-deletions'))
    await one.cli('approve')
    await until('it is held there as well', () => problem(two, 'held-removals'))
    await two.cli('discard')
    await until('all are back', () => existsSync(one.path('images')) && images(one) === FILES - 30)
    assert.equal(images(two), FILES - 30)
  })
})
