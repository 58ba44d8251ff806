/** What other hosts take away is counted by the brake in whatever form they do it, and stays while it is held. */
import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import { type HostName } from '../../src/base/brand.ts'
import { type BenchHost, TwoHosts } from './two-hosts.ts'

const FILES = 12

describe('on the host that hears of it', () => {
  let hosts: TwoHosts
  let one: BenchHost
  let two: BenchHost

  beforeEach(() => {
    hosts = new TwoHosts()
    one = hosts.one
    two = hosts.two
    Object.assign(two.settings, { maxDeleteFiles: 10, maxDeletePercent: 25 })
  })

  function fill(host: BenchHost, files = FILES): void {
    for (let i = 0; i < files; i++) host.root.user.write(`d/${i}.iso`, `image ${i}`)
  }

  async function seen(host: BenchHost): Promise<void> {
    host.hint('d')
    await hosts.pass(30_000)
  }

  /** On host one, while host two puts files into a directory of that name, and neither hears of the other. */
  async function fileAgainstDirectory(): Promise<void> {
    hosts.network.cut('one' as HostName, 'two' as HostName)
    fill(two)
    await seen(two)
    one.root.user.write('d', 'a file')
    await seen(one)
    hosts.network.join('one' as HostName, 'two' as HostName)
  }

  async function approved(): Promise<void> {
    const approving = two.folder.approve()
    await hosts.pass(30_000)
    await approving
  }

  test('a directory that was replaced by a file stays with all that lies in it until the operator approves', async () => {
    one.root.user.write('kept.iso', 'stays')
    one.hint('kept.iso')
    fill(one)
    await seen(one)
    const before = two.tree()
    assert.deepEqual(before, one.tree())
    one.root.user.delete('d')
    one.root.user.write('d', 'a file')
    await seen(one)
    await hosts.pass(120_000)
    assert.deepEqual(two.problems(), ['held-removals'])
    assert.deepEqual(two.tree(), before)
    await approved()
    assert.deepEqual(two.tree(), one.tree())
    assert.equal(Object.keys(two.archived()).length, FILES)
    assert.deepEqual(two.problems(), [])
    await hosts.close()
  })

  test('files under a directory that is a file elsewhere are not buried before the operator approves', async () => {
    await fileAgainstDirectory()
    await hosts.pass(120_000)
    assert.deepEqual(two.problems(), ['held-removals'])
    assert.equal(Object.keys(two.tree()).length, FILES + 1)
    await approved()
    assert.deepEqual(two.tree(), { d: 'a file' })
    assert.equal(Object.keys(two.archived()).length, FILES)
    await hosts.close()
  })

  test('what is held under a directory that is a file elsewhere comes back everywhere when the operator discards', async () => {
    await fileAgainstDirectory()
    await hosts.pass(30_000)
    const discarded = two.folder.discard()
    await hosts.pass(120_000)
    await discarded
    assert.equal(Object.keys(two.tree()).length, FILES + 1)
    assert.deepEqual(one.tree(), two.tree())
    assert.deepEqual(one.archived(), { d: 'a file' })
    assert.deepEqual(two.problems(), [])
    await hosts.close()
  })

  test('a directory of few files that was replaced by a file goes at once, each file counted once', async () => {
    fill(one, 8)
    for (let i = 0; i < 12; i++) one.root.user.write(`other ${i}.iso`, `other ${i}`)
    const scanned = one.folder.local.noticing.rescan()
    await hosts.pass(30_000)
    await scanned
    one.root.user.delete('d')
    one.root.user.write('d', 'a file')
    await seen(one)
    assert.deepEqual(two.problems(), [])
    assert.deepEqual(two.tree(), one.tree())
    await hosts.close()
  })
})
