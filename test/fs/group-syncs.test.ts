import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GroupSyncs } from '../../src/fs/group-syncs.ts'

/** A disk whose syncs take as long, and end, as the test says. */
function setup({ tells = true, takesMs = 1, fails = false } = {}) {
  const done: string[] = []
  let now = 0
  const syncs = new GroupSyncs({
    syncFile: async (fd) => void done.push(`file ${fd}`),
    syncFilesystem: tells
      ? async (fd) => {
          now += takesMs
          done.push(`all on ${fd}`)
          if (fails) throw new Error('EIO')
        }
      : null,
    elapsed: () => now,
  })
  /** The first is opened last. */
  const many = () => {
    const tickets = Array.from({ length: 20 }, () => syncs.ticket()).reverse()
    return tickets.map((ticket, i) => syncs.sync(i, ticket))
  }
  return { syncs, done, many }
}

test('many files are synced in one go, on the descriptor that was opened first', async () => {
  const { done, many } = setup()
  await Promise.all(many())
  assert.deepEqual(done, ['all on 19'])
})

test('few files are synced each by itself', async () => {
  const { done, syncs } = setup()
  await Promise.all([1, 2, 3].map((fd) => syncs.sync(fd, syncs.ticket())))
  assert.deepEqual(done, ['file 1', 'file 2', 'file 3'])
})

test('where the kernel tells of no errors each file is synced by itself', async () => {
  const { done, many } = setup({ tells: false })
  await Promise.all(many())
  assert.equal(done.length, 20)
  assert.ok(done.every((what) => what.startsWith('file')))
})

test('when it fails, every file of the group hears of it: no other sync would say so again', async () => {
  const { done, many } = setup({ fails: true })
  const ends = await Promise.allSettled(many())
  assert.ok(ends.every(({ status }) => status === 'rejected'))
  assert.deepEqual(done, ['all on 19'])
})

test('what is asked for after a group has begun is another group', async () => {
  const { done, many } = setup()
  const [first] = many()
  await first
  await Promise.all(many())
  assert.deepEqual(done, ['all on 19', 'all on 19'])
})

test('where the filesystem takes long, because others write to it, the next groups are synced file by file', async () => {
  const { done, many } = setup({ takesMs: 1_000 })
  await Promise.all(many())
  await Promise.all(many())
  assert.equal(done.filter((what) => what.startsWith('all')).length, 1)
  assert.equal(done.length, 21)
})
