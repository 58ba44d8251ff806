/** Mass deletions and overwrites wait for the operator, on the host where they happen and on those that hear of them. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { Cluster, type Host, until } from './cluster.ts'
import { archiveOf } from './pool.ts'

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

describe('the brake on mass overwrites', () => {
  let cluster: Cluster
  const problem = async (host: Host, kind: string) =>
    (await host.status())?.folders[0]?.problems.some((p) => p.kind === kind) === true
  const contents = (host: Host) => readdirSync(host.path('images')).map((name) => textOf(host, name))
  /** Empty for the moment in which one file has gone to the archive and the next has not come. */
  const textOf = (host: Host, name: string) => readIfThere(host.path('images', name))
  const count = (host: Host, text: RegExp) => contents(host).filter((content) => text.test(content)).length

  before(async () => {
    cluster = await Cluster.start({ hosts: 2 })
    mkdirSync(cluster.host(0).path('images'))
    for (let i = 0; i < FILES; i++) writeFileSync(cluster.host(0).path('images', `${i}.img`), `image ${i}`)
    await until(
      'all are on host2',
      () => existsSync(cluster.host(1).path('images')) && readdirSync(cluster.host(1).path('images')).length === FILES,
    )
  })
  after(() => cluster[Symbol.asyncDispose]())

  test('holds when more than a quarter get another content at once; discard fetches back what was there', async () => {
    const [one, two] = [cluster.host(0), cluster.host(1)]
    for (let i = 0; i < 24; i++) writeFileSync(one.path('images', `${i}.img`), `encrypted ${i}`)
    writeFileSync(one.path('images', 'new.img'), 'image of its own')
    await until('it is held', () => problem(one, 'held-overwrites'))
    const health = await one.cli('health')
    assert.equal(health.code, 1, health.stdout)
    assert.match(health.stdout, /held-overwrites.*24 of 40|24 of 4[01] files/)
    await until('what is new arrives all the same', () => existsSync(two.path('images', 'new.img')))
    assert.equal(count(two, /encrypted/), 0, 'the other host keeps what was there')
    assert.equal((await one.cli('discard')).code, 0)
    await until('all are back', () => count(one, /^image/) === FILES + 1)
    assert.equal(await problem(one, 'held-overwrites'), false)
    const archived = await archiveOf(one)
    assert.equal(
      archived.filter((file) => file.reason === 'replaced').length,
      24,
      'what replaced them is in the archive',
    )
    assert.equal(count(two, /^image/), FILES + 1)
  })

  test('lets a few go at once', async () => {
    const [one, two] = [cluster.host(0), cluster.host(1)]
    for (let i = 0; i < 3; i++) writeFileSync(one.path('images', `${i}.img`), `second ${i}`)
    await until('they are there', () => count(two, /second/) === 3)
  })

  test('holds on the host that hears of it too, and approve lets it go on each', async () => {
    const [one, two] = [cluster.host(0), cluster.host(1)]
    for (let i = 0; i < 20; i++) writeFileSync(one.path('images', `${i}.img`), `third ${i}`)
    await until('it is held', () => problem(one, 'held-overwrites'))
    assert.equal(count(two, /third/), 0)
    assert.equal((await one.cli('approve')).code, 0)
    await until('it is held there as well', () => problem(two, 'held-changes'))
    assert.equal(count(two, /third/), 0)
    assert.equal((await two.cli('approve')).code, 0)
    await until('all are there', () => count(two, /third/) === 20)
    // The index hears of what lies in the archive a moment after it lies there.
    const replaced = async () => (await archiveOf(two)).filter((file) => file.reason === 'replaced').length
    await until('what was there is in the archive', async () => (await replaced()) === 23)
  })

  test('lets discard on the host that hears of it bring back everywhere what is there', async () => {
    const [one, two] = [cluster.host(0), cluster.host(1)]
    for (let i = 0; i < 20; i++) writeFileSync(one.path('images', `${i}.img`), `fourth ${i}`)
    await until('it is held', () => problem(one, 'held-overwrites'))
    await one.cli('approve')
    await until('it is held there as well', () => problem(two, 'held-changes'))
    await two.cli('discard')
    await until('all are back', () => count(one, /third/) === 20)
    assert.equal(count(two, /third/), 20)
  })

  test('holds what was encrypted in place and renamed; a daemon that starts anew holds it again', async () => {
    const [one, two] = [cluster.host(0), cluster.host(1)]
    one.signal('SIGSTOP') // a file that it sees between the two steps is an overwrite, and one alone goes through
    for (const name of readdirSync(one.path('images'))) {
      writeFileSync(one.path('images', name), `locked ${name}`)
      renameSync(one.path('images', name), one.path('images', `${name}.locked`))
    }
    one.signal('SIGCONT')
    await until('it is held', () => problem(one, 'held-deletions'))
    await until('what is new arrives all the same', () => count(two, /locked/) === FILES + 1)
    await one.kill('SIGKILL')
    one.start()
    await until('it is held again', () => problem(one, 'held-deletions'))
    assert.equal(count(two, /^(image|second|third)/), FILES + 1, 'what was there is still on the other host')
    await one.cli('discard')
    await until('all are back', () => count(one, /^(image|second|third)/) === FILES + 1)
  })
})

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
