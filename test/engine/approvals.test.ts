/** What the operator has said counts until it has been carried out, also over restarts, and for nothing else. */
import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import { type HostName } from '../../src/base/brand.ts'
import { path } from '../db/index-samples.ts'
import { imageHead } from '../iso-image.ts'
import { type BenchHost, TwoHosts } from './two-hosts.ts'

const FILES = 12
const [ONE, TWO] = ['one' as HostName, 'two' as HostName]

describe('what was approved', () => {
  let hosts: TwoHosts
  let one: BenchHost
  let two: BenchHost

  beforeEach(async () => {
    hosts = new TwoHosts()
    one = hosts.one
    two = hosts.two
    for (const host of [one, two]) Object.assign(host.settings, { maxDeleteFiles: 2, maxDeletePercent: 10 })
    await does(one, (i) => one.root.user.write(nth(i), `before ${i}`))
    assert.equal(Object.keys(two.tree()).length, FILES)
  })

  /** Something with every file of a host. */
  async function does(host: BenchHost, work: (i: number) => void): Promise<void> {
    for (let i = 0; i < FILES; i++) work(i)
    host.hint(...Array.from({ length: FILES }, (_, i) => nth(i)))
    await hosts.pass(30_000)
  }

  async function approve(host: BenchHost, name: string | null = null): Promise<number> {
    const approved = name === null ? host.folder.approve() : host.folder.approveFile(path(name)).then(Number)
    await hosts.pass(5_000)
    return await approved
  }

  async function restart(host: BenchHost): Promise<void> {
    const restarted = host.restart()
    await hosts.pass(30_000)
    await restarted
  }

  function contents(host: BenchHost): ReadonlySet<string | null> {
    return new Set(Object.values(host.tree()).map((text) => text?.replace(/ \d+$/, '') ?? null))
  }

  test('of what others replaced, and could not be fetched before a restart, is not asked for again', async () => {
    await does(one, (i) => one.root.user.write(nth(i), `after ${i}`))
    await approve(one)
    await hosts.pass(10_000)
    assert.deepEqual(two.problems(), ['held-changes'])
    hosts.network.cut(ONE, TWO)
    assert.equal(await approve(two), FILES)
    await restart(two)
    assert.deepEqual(
      two.problems().filter((problem) => problem.startsWith('held')),
      [],
    )
    hosts.network.join(ONE, TWO)
    await hosts.pass(60_000)
    assert.deepEqual([...contents(two)], ['after'])
    await hosts.close()
  })

  test('of what others deleted, and could not be archived before a restart, is not asked for again', async () => {
    await does(one, (i) => one.root.user.delete(nth(i)))
    await approve(one)
    await hosts.pass(10_000)
    assert.deepEqual(two.problems(), ['held-removals'])
    two.fails = (op) => (op === 'remove' ? 'io' : null)
    assert.equal(await approve(two), FILES)
    await restart(two)
    assert.deepEqual(
      two.problems().filter((problem) => problem.startsWith('held')),
      [],
    )
    two.fails = () => null
    await hosts.pass(60_000)
    assert.deepEqual(two.tree(), {})
    await hosts.close()
  })

  test('says nothing of what others do to the same files later', async () => {
    await does(one, (i) => one.root.user.write(nth(i), `after ${i}`))
    await approve(one)
    await hosts.pass(10_000)
    hosts.network.cut(ONE, TWO)
    await approve(two)
    await does(one, (i) => one.root.user.write(nth(i), `later ${i}`))
    await approve(one)
    await restart(two)
    hosts.network.join(ONE, TWO)
    await hosts.pass(60_000)
    assert.deepEqual(two.problems(), ['held-changes'])
    assert.deepEqual([...contents(two)], ['before'])
    await hosts.close()
  })

  test('of what was replaced here is announced after a restart, where it could not be before', async () => {
    await does(one, (i) => one.root.user.write(nth(i), `after ${i}`))
    assert.deepEqual(one.problems(), ['held-overwrites'])
    one.fails = (op) => (op === 'stat' ? 'io' : null)
    const approved = one.folder.approve()
    await hosts.pass(5_000)
    await approved
    one.fails = () => null
    await restart(one)
    assert.deepEqual(one.problems(), [])
    assert.deepEqual(two.problems(), ['held-changes'], 'it has heard of all')
    await hosts.close()
  })

  test('could not be noted: it is held as before, and the operator hears of it', async () => {
    await does(one, (i) => one.root.user.delete(nth(i)))
    await approve(one)
    await hosts.pass(10_000)
    two.indexFails = 'SQLITE_FULL'
    const refused = assert.rejects(two.folder.approve())
    await hosts.pass(5_000)
    await refused
    assert.ok(two.problems().includes('held-removals'))
    assert.equal(Object.keys(two.tree()).length, FILES)
    await hosts.close()
  })

  test('by its name goes alone, whatever holds it', async () => {
    await does(one, (i) => one.root.user.delete(nth(i)))
    assert.equal(await approve(one, nth(3)), 1)
    await hosts.pass(10_000)
    assert.equal(Object.keys(two.tree()).length, FILES - 1)
    await approve(one)
    await hosts.pass(10_000)
    assert.deepEqual(two.problems(), ['held-removals'])
    assert.equal(await approve(two, nth(5)), 1)
    await hosts.pass(10_000)
    assert.equal(Object.keys(two.tree()).length, FILES - 2)
    await hosts.close()
  })

  test('although an image is short is taken up after a restart, where it could not be before', async () => {
    const short = imageHead({ contentBytes: 1e6 })
    one.root.user.write('short.iso', short)
    one.hint('short.iso')
    await hosts.pass(5_000)
    assert.deepEqual(one.problems(), ['unfinished short.iso'])
    one.fails = (op, at) => (op === 'read' && at === 'short.iso' ? 'io' : null)
    await approve(one, 'short.iso')
    one.fails = () => null
    await restart(one)
    assert.deepEqual(one.problems(), [])
    assert.equal(two.root.user.read('short.iso')?.byteLength, short.byteLength)
    await hosts.close()
  })

  test('although an image is short counts on every host, also where its time has changed or the index is new', async () => {
    const short = imageHead({ contentBytes: 1e6 })
    one.root.user.write('short.iso', short)
    one.hint('short.iso')
    await hosts.pass(5_000)
    await approve(one, 'short.iso')
    await hosts.pass(30_000)
    two.root.user.write('short.iso', short)
    two.hint('short.iso')
    await hosts.pass(30_000)
    assert.deepEqual(two.problems(), [])
    await hosts.close()
  })
})

function nth(i: number): string {
  return `${i}.iso`
}
