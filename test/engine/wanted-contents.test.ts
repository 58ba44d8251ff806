import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type RelPath, type RootHash } from '../../src/base/brand.ts'
import { WantedContents } from '../../src/engine/wanted-contents.ts'
import { path, rootNamed } from '../db/index-samples.ts'

const [FIRST, SECOND] = [path('a.iso'), path('copy-of-a.iso')]
const ROOT = rootNamed('a')

/** Two paths want one content, which is whole in staging: the first has claimed it. */
function twoWantOne() {
  const considered: RelPath[] = []
  const whole = new Set<RootHash>()
  const contents = new WantedContents({
    disk: {
      listStaged: () => Promise.resolve([]),
      dropStaged: () => Promise.resolve(),
      dropLeftovers: () => Promise.resolve(),
    },
    downloader: {
      fetch: () => {},
      isWhole: (root) => whole.has(root),
      drop: (root) => Promise.resolve(void whole.delete(root)),
    },
    small: { fetch: () => {}, bytesOf: () => null, drop: () => {} },
    isStagedEarly: () => false,
    rankOf: () => 0,
    consider: (paths) => considered.push(...paths),
    published: () => {},
  })
  for (const at of [FIRST, SECOND]) contents.fetch(at, ROOT, 1)
  whole.add(ROOT)
  assert.equal(contents.claim(ROOT), true)
  assert.equal(contents.claim(ROOT), false)
  return { contents, considered }
}

test('a path that wants a content no more leaves the others that want it', () => {
  const { contents } = twoWantOne()
  assert.deepEqual(contents.pathsOf(ROOT), [FIRST, SECOND])
  contents.release(FIRST)
  assert.deepEqual(contents.pathsOf(ROOT), [SECOND])
  contents.release(SECOND)
  assert.deepEqual(contents.pathsOf(ROOT), [])
})

test('when a content could not be installed at one path, the other that wants it takes its turn', () => {
  const { contents, considered } = twoWantOne()
  contents.fetch(SECOND, ROOT, 1)
  contents.unclaim(ROOT)
  assert.deepEqual(considered, [SECOND])
  assert.equal(contents.claim(ROOT), true)
})

test('one that came too late, and says so when the first has failed already, takes its turn at once', () => {
  const { contents, considered } = twoWantOne()
  contents.unclaim(ROOT)
  assert.deepEqual(considered, [])
  contents.fetch(SECOND, ROOT, 1)
  assert.deepEqual(considered, [SECOND])
})

test('two paths at which it cannot be installed do not wake each other for ever', () => {
  const { contents, considered } = twoWantOne()
  contents.fetch(SECOND, ROOT, 1)
  contents.unclaim(ROOT)
  assert.equal(contents.claim(ROOT), true)
  contents.unclaim(ROOT)
  assert.deepEqual(considered, [SECOND])
})

test('when it has been installed at one path, the other looks for it in the tree', async () => {
  const { contents, considered } = twoWantOne()
  contents.fetch(SECOND, ROOT, 1)
  await contents.installed(FIRST, ROOT)
  assert.deepEqual(considered, [SECOND])
})

test('a content that is wanted again while what was staged of it goes is fetched after that', async () => {
  const happened: string[] = []
  const gone = Promise.withResolvers<void>()
  const contents = new WantedContents({
    disk: {
      listStaged: () => Promise.resolve([]),
      dropStaged: async () => void happened.push('dropped'),
      dropLeftovers: () => Promise.resolve(),
    },
    downloader: { fetch: () => happened.push('fetched'), isWhole: () => false, drop: () => gone.promise },
    small: { fetch: () => {}, bytesOf: () => null, drop: () => {} },
    isStagedEarly: () => false,
    rankOf: () => 0,
    consider: () => {},
    published: () => {},
  })
  const spoiled = contents.spoiled(ROOT)
  contents.fetch(FIRST, ROOT, 1 << 20)
  gone.resolve()
  await spoiled
  await new Promise(setImmediate)
  assert.deepEqual(happened, ['dropped', 'fetched'])
})

test('the same where it was left over from before a restart', async () => {
  const happened: string[] = []
  const gone = Promise.withResolvers<void>()
  const contents = new WantedContents({
    disk: {
      listStaged: () => Promise.resolve([ROOT]),
      dropStaged: () => gone.promise.then(() => void happened.push('dropped')),
      dropLeftovers: () => Promise.resolve(),
    },
    downloader: { fetch: () => happened.push('fetched'), isWhole: () => false, drop: () => Promise.resolve() },
    small: { fetch: () => {}, bytesOf: () => null, drop: () => {} },
    isStagedEarly: () => false,
    rankOf: () => 0,
    consider: () => {},
    published: () => {},
  })
  const swept = contents.sweep()
  await new Promise(setImmediate)
  contents.fetch(FIRST, ROOT, 1 << 20)
  gone.resolve()
  await swept
  await new Promise(setImmediate)
  assert.deepEqual(happened, ['dropped', 'fetched'])
})
