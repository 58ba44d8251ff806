import assert from 'node:assert/strict'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { test } from 'node:test'
import { type RelPath } from '../../src/base/brand.ts'
import { PathLocks } from '../../src/engine/path-locks.ts'

const [a, b] = ['a', 'b'] as RelPath[] as [RelPath, RelPath]

test('works on the same path run one after the other, in the order asked for', async () => {
  const locks = new PathLocks()
  const seen: string[] = []
  const work = (name: string) => async () => {
    seen.push(`${name} begins`)
    await nextTurn()
    seen.push(`${name} ends`)
  }
  await Promise.all([locks.with([a], work('one')), locks.with([a, b], work('both')), locks.with([b], work('other'))])
  assert.deepEqual(
    seen,
    ['one', 'both', 'other'].flatMap((name) => [`${name} begins`, `${name} ends`]),
  )
})

test('whoever holds one path and looks for another does not wait for those who wait for both', async () => {
  const locks = new PathLocks()
  const asked = Promise.withResolvers<void>()
  const moving = locks.with([a], async () => {
    await asked.promise
    return await locks.ifFree(b, () => Promise.resolve('moved'))
  })
  const renaming = locks.with([a, b], () => Promise.resolve('renamed'))
  asked.resolve()
  assert.deepEqual(await Promise.all([moving, renaming]), [null, 'renamed'])
  assert.equal(await locks.ifFree(b, () => Promise.resolve('moved')), 'moved')
})

test('a path is free again after work on it has failed', async () => {
  const locks = new PathLocks()
  await assert.rejects(locks.with([a], () => Promise.reject(new Error('no'))))
  assert.equal(await locks.ifFree(a, () => Promise.resolve('done')), 'done')
})
