/** What a crash leaves of the disk in memory. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crashDisk, type CrashFate } from '../../src/fs/memory-crash.ts'
import { MemoryDisk, sync } from '../../src/fs/memory-disk.ts'
import { MemoryUser } from '../../src/fs/memory-user.ts'

const KEPT: CrashFate = { keepsName: () => true, keepsTime: () => true, bytes: () => 'new', keepsSector: () => true }
let turn = 0
const byTurns = () => turn++ % 2 === 0
const TORN: CrashFate = { keepsName: () => true, keepsTime: () => false, bytes: () => 'torn', keepsSector: byTurns }

function setup() {
  let now = 0
  const disk = new MemoryDisk({ now: () => ++now })
  const user = new MemoryUser({ disk: () => disk })
  user.write('d/a', 'a'.repeat(2048), 1)
  user.makeDirectory('e')
  disk.syncAll()
  return { disk, user }
}

test('a strict disk forgets names, bytes and times that were not synced', () => {
  const { disk, user } = setup()
  user.write('d/a', 'b'.repeat(2048), 2)
  user.write('d/new', 'new')
  crashDisk(disk)
  assert.equal(user.read('d/a')?.toString(), 'a'.repeat(2048))
  assert.equal(user.read('d/new'), null)
})

test('a lucky disk keeps them', () => {
  const { disk, user } = setup()
  user.write('d/a', 'b'.repeat(2048), 2)
  user.write('d/new', 'new')
  crashDisk(disk, KEPT)
  assert.equal(user.read('d/a')?.toString(), 'b'.repeat(2048))
  assert.equal(user.read('d/new')?.toString(), 'new')
})

test('of bytes that were not synced some sectors may stay old', () => {
  const { disk, user } = setup()
  user.write('d/a', 'b'.repeat(2048), 2)
  crashDisk(disk, TORN)
  const text = user.read('d/a')?.toString() ?? ''
  assert.match(text, /a/)
  assert.match(text, /b/)
  assert.equal(text.length, 2048)
})

for (const [what, synced] of [
  ['the directory that it left', 'd'],
  ['the directory that it came to', 'e'],
  ['neither directory', null],
] as const) {
  for (const [who, fate] of [
    ['strict', null],
    ['lucky', KEPT],
  ] as const) {
    test(`a renamed file is in one place after a crash of a ${who} disk that synced ${what}`, () => {
      const { disk, user } = setup()
      user.rename('d/a', 'e/a')
      const dir = synced === null ? undefined : disk.top.children.get(synced)
      if (dir !== undefined) sync(dir)
      crashDisk(disk, fate)
      const there = ['d/a', 'e/a'].filter((path) => user.read(path)?.byteLength === 2048)
      assert.equal(there.length, 1)
    })
  }
}
