/**
 * A disk that fails at every place where something is written, in every way: nothing wrong is ever shown, the operator
 * is told, and within a minute of the disk's being well again all is as if it had never failed.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type MemoryOp } from '../../src/fs/memory-root.ts'
import { type FsErrorCode } from '../../src/fs/root.ts'
import { type BenchHost, TwoHosts } from './two-hosts.ts'

/** Shorter than until the next try, which begins as if nothing were wrong. */
const WHILE_MS = 15_000
/** What is promised. */
const RESUMES_MS = 60_000

/** Every operation by which a folder writes to its disk. */
const SITES: readonly MemoryOp[] = [
  'openStaged',
  'truncate',
  'write',
  'sync',
  'install',
  'move',
  'remove',
  'makeDirectory',
  'removeDirectory',
  'makeLink',
  'setMtime',
]
const CODES: readonly FsErrorCode[] = ['no-space', 'read-only', 'io']
const INDEX_CODES = ['SQLITE_FULL', 'SQLITE_IOERR_WRITE', 'SQLITE_IOERR_FSYNC', 'SQLITE_READONLY', 'SQLITE_CANTOPEN']

/** Cut into pieces: it grows in staging, where small ones are put whole. */
const LARGE = 'large '.repeat(10_000)
const BEFORE = { 'dead.iso': 'dead', 'empty/': '', 'from.iso': 'moved', 'old.iso': 'old', 'touched.iso': 'touched' }
const AFTER = {
  'large.iso': LARGE,
  'link.iso': '-> old.iso',
  new: null,
  'new/sub': null,
  'new/sub/new.iso': 'new',
  'old.iso': 'newer',
  'to.iso': 'moved',
  'touched.iso': 'touched',
}
const ARCHIVED = { 'dead.iso': 'dead', 'from.iso': 'moved', 'old.iso': 'old' }
/** All that may ever be seen at a path. */
const SOUND: Readonly<Record<string, readonly (string | null)[]>> = {
  'dead.iso': ['dead'],
  empty: [null],
  'from.iso': ['moved'],
  'large.iso': [LARGE],
  'link.iso': ['-> old.iso'],
  new: [null],
  'new/sub': [null],
  'new/sub/new.iso': ['new'],
  'old.iso': ['old', 'newer'],
  'to.iso': ['moved'],
  'touched.iso': ['touched'],
}

async function inStep(): Promise<TwoHosts> {
  const hosts = new TwoHosts()
  const { user } = hosts.one.root
  for (const [path, text] of Object.entries(BEFORE))
    if (path.endsWith('/')) user.makeDirectory(path.slice(0, -1))
    else user.write(path, text)
  const scanned = hosts.one.folder.local.noticing.rescan()
  await hosts.pass(10_000)
  await scanned
  assert.deepEqual(hosts.two.tree(), hosts.one.tree())
  hosts.two.asked.length = 0
  return hosts
}

/** One of everything, so that each way of writing is needed on the other host. */
function changeAll(host: BenchHost): void {
  const { user } = host.root
  user.write('new/sub/new.iso', 'new')
  user.write('large.iso', LARGE)
  user.write('old.iso', 'newer')
  user.write('touched.iso', 'touched', 1e15)
  user.link('link.iso', 'old.iso')
  user.rename('from.iso', 'to.iso')
  user.delete('dead.iso')
  user.delete('empty')
  host.hint('new', 'large.iso', 'old.iso', 'touched.iso', 'link.iso', 'from.iso', 'to.iso', 'dead.iso', 'empty')
}

function assertSound(host: BenchHost): void {
  for (const [path, seen] of Object.entries(host.tree()))
    assert.ok(SOUND[path]?.includes(seen), `${path} holds ${JSON.stringify(seen)}`)
}

/** After the trouble: in step, told, and nothing left over. */
async function assertResumed(hosts: TwoHosts): Promise<void> {
  await hosts.pass(RESUMES_MS)
  for (const host of [hosts.one, hosts.two]) {
    assert.deepEqual(host.tree(), AFTER)
    assert.deepEqual(host.problems(), [])
    assert.equal(host.folder.remote.space.isFull, false)
    assert.deepEqual(await host.root.listStaged(), [])
  }
  // Of a rename the other half may have been carried out as a deletion.
  assert.deepEqual({ 'from.iso': 'moved', ...hosts.two.archived() }, ARCHIVED)
  assert.equal(hosts.two.root.user.read('touched.iso')?.toString(), 'touched')
  await hosts.close()
}

describe('a host that receives', () => {
  for (const site of SITES)
    for (const code of CODES)
      test(`${site} says ${code}`, async () => {
        const hosts = await inStep()
        const { one, two } = hosts
        let failed = 0
        two.fails = (op) => ((op === site && ++failed > 0) || (op === 'assertWritable' && code !== 'io') ? code : null)
        changeAll(one)
        await hosts.pass(WHILE_MS)
        assert.ok(failed > 0, 'it was written to at all')
        assertSound(two)
        assert.equal(two.folder.remote.space.isFull, code !== 'io')
        assert.ok(two.problems().some((problem) => problem.startsWith(code === 'io' ? 'io-error' : 'disk-full')))
        two.fails = () => null
        await assertResumed(hosts)
      })
})

describe('a host whose index cannot be written', () => {
  for (const code of INDEX_CODES)
    test(`receives nothing, and takes up all afterwards: ${code}`, async () => {
      const hosts = await inStep()
      hosts.two.indexFails = code
      changeAll(hosts.one)
      await hosts.pass(WHILE_MS)
      assertSound(hosts.two)
      assert.ok(hosts.two.problems().includes('disk-full'))
      assert.match(
        hosts.two.folder.remote.space.why ?? '',
        /the index cannot be written .*look at the disk of storage_path/,
      )
      hosts.two.indexFails = null
      await assertResumed(hosts)
    })

  test('fails in the midst of what it receives: what went to the archive is listed all the same', async () => {
    const hosts = await inStep()
    const { one, two } = hosts
    two.fails = (op) => {
      if (op === 'install' || op === 'remove') two.indexFails = 'SQLITE_FULL'
      return null
    }
    changeAll(one)
    await hosts.pass(WHILE_MS)
    assertSound(two)
    two.fails = () => null
    two.indexFails = null
    await assertResumed(hosts)
  })

  test('announces afterwards what its users did meanwhile', async () => {
    const hosts = await inStep()
    const { one, two } = hosts
    one.indexFails = 'SQLITE_FULL'
    changeAll(one)
    await hosts.pass(WHILE_MS)
    assert.deepEqual(Object.keys(two.tree()), ['dead.iso', 'empty', 'from.iso', 'old.iso', 'touched.iso'])
    assert.ok(one.problems().includes('disk-full'))
    one.indexFails = null
    await assertResumed(hosts)
  })
})

test('what could not be synced is thrown away and fetched again: no second fsync is believed', async () => {
  const hosts = await inStep()
  const { one, two } = hosts
  let failing = true
  two.fails = (op) => (op === 'sync' && failing ? 'io' : null)
  one.root.user.write('old.iso', 'newer')
  one.hint('old.iso')
  await hosts.pass(WHILE_MS)
  assert.deepEqual(await two.root.listStaged(), [])
  assert.equal(two.tree()['old.iso'], 'old')
  failing = false
  await hosts.pass(RESUMES_MS)
  assert.equal(two.tree()['old.iso'], 'newer')
  const ops = two.asked.map(([op]) => op).filter((op) => ['write', 'sync', 'dropStaged'].includes(op))
  for (const [i, op] of ops.entries())
    if (op === 'sync' && i < ops.lastIndexOf('write')) assert.equal(ops[i + 1], 'dropStaged', ops.join(' '))
  await hosts.close()
})

test('a disk that goes on failing is one problem, not one that is solved at each try', async () => {
  const hosts = await inStep()
  const { one, two } = hosts
  two.fails = (op) => (op === 'write' ? 'io' : null)
  one.root.user.write('old.iso', 'newer')
  one.hint('old.iso')
  await hosts.pass(WHILE_MS)
  const { problems } = two.folder
  const clear = problems.clear.bind(problems)
  const solved: string[] = []
  problems.clear = (path, ...kinds) => {
    const before = two.problems()
    clear(path, ...kinds)
    solved.push(...before.filter((problem) => !two.problems().includes(problem)))
  }
  await hosts.pass(10 * RESUMES_MS)
  assert.deepEqual([two.problems(), solved], [['io-error old.iso'], []])
  two.fails = () => null
  await hosts.pass(RESUMES_MS)
  assert.deepEqual([two.problems(), two.tree()['old.iso']], [[], 'newer'])
  await hosts.close()
})
