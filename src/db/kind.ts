/** Kinds as the index keeps them, see schema.sql. */
import { assert } from '../base/assert.ts'
import { type Entry } from '../sync/entry.ts'
import { type RecordKind } from '../sync/record.ts'

const RECORD_KINDS = ['file', 'directory', 'link', 'tombstone'] as const
const ENTRY_KINDS = ['file', 'directory', 'link', 'absent'] as const

/** The number that stands for 'absent'. */
export const ABSENT = 3

export function kindNumber(kind: RecordKind | Entry['kind']): number {
  if (kind === 'absent') return ABSENT
  return RECORD_KINDS.indexOf(kind)
}

export function recordKind(number: number): RecordKind {
  const kind = RECORD_KINDS[number]
  assert(kind !== undefined, `record kind ${number} in the index`)
  return kind
}

export function entryKind(number: number): Entry['kind'] {
  const kind = ENTRY_KINDS[number]
  assert(kind !== undefined, `entry kind ${number} in the index`)
  return kind
}
