import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type RelPath } from '../../src/base/brand.ts'
import { fileMeant } from '../../src/engine/file-meant.ts'
import { statOf } from '../../src/engine/tree-changes.ts'
import { type FileEntry } from '../../src/sync/entry.ts'
import { type PieceList } from '../../src/sync/piece-list.ts'
import { type SignedRecord } from '../../src/sync/record.ts'
import { fileEntry, fileRecord, listOf, path } from '../db/index-samples.ts'

const image = fileEntry('image.iso', 'content')
const stat = { ...statOf(image), ctimeUs: image.ctimeUs + 1 }
const stamped = { ...stat, mtimeUs: stat.mtimeUs + 5 }
const asked = (at: string, mtimeUs = stat.mtimeUs) => ({ ...fileRecord(at, 'content'), mtimeUs })

function meant(
  at: string,
  seen: typeof stat,
  records: readonly SignedRecord[] = [],
  renamedFrom: RelPath | null = null,
  list: PieceList | null = listOf(['piece']),
) {
  const holding = (root: string): readonly FileEntry[] => (root === image.root ? [image] : [])
  const index = {
    entry: (of: RelPath) => (of === image.path ? image : null),
    recordsOf: () => records,
    entriesHolding: holding,
    rotten: () => [],
    pieceList: () => list,
  }
  return fileMeant(path(at), seen, { index, deletions: { renamedFrom: () => renamedFrom } })
}

const cases: readonly [string, ReturnType<typeof meant>, FileEntry | null][] = [
  ['another ctime alone makes no other file', meant('image.iso', stat), image],
  ['another time makes another', meant('image.iso', stamped), null],
  [
    'unless a record asks for it: we have set it ourselves',
    meant('image.iso', stamped, [asked('image.iso', stamped.mtimeUs)]),
    image,
  ],
  ['another length makes another', meant('image.iso', { ...stat, size: 7 }), null],
  ['another inode makes another', meant('image.iso', { ...stat, inode: 7 }), null],
  ['renamed by a user', meant('new.iso', stat, [], image.path), image],
  ['a new file under an old inode', meant('new.iso', stamped, [], image.path), null],
  ['renamed by us for a record, before a crash', meant('new.iso', stat, [asked('new.iso')]), image],
  ['and given its time', meant('new.iso', stamped, [asked('new.iso', stamped.mtimeUs)]), image],
  ['a record asks for something else', meant('new.iso', stat, [fileRecord('new.iso', 'other')]), null],
  ['nobody knows it', meant('new.iso', stat), null],
  ['its piece list has been forgotten', meant('new.iso', stat, [], image.path, null), null],
  ['at its own path no list is needed', meant('image.iso', stat, [], null, null), image],
]
for (const [name, found, expected] of cases) test(name, () => assert.deepEqual(found, expected))
