import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isKnownContent, reasonTold } from '../../src/sync/archive-reason.ts'
import { type SignedRecord } from '../../src/sync/record.ts'
import { fileRecord, rootNamed, tombstone } from '../db/index-samples.ts'

const OLD = rootNamed('old')
const newer = { ...fileRecord('f', 'new'), previous: OLD }
const two = { ...fileRecord('f', 'newest'), previous: rootNamed('new'), earlier: [OLD] }

/** [what the records say of a file `f` with the content 'old' in the archive, whether the pool ever knew it] */
const cases: Readonly<Record<string, [readonly SignedRecord[], 'deleted' | 'replaced' | null, boolean]>> = {
  'no record: nobody knows': [[], null, false],
  'a tombstone names it': [[tombstone('f', 'old')], 'deleted', true],
  'a file replaced it': [[newer], 'replaced', true],
  'it was left long ago, in whatever way': [[two], null, true],
  'it is what the path holds': [[fileRecord('f', 'old')], null, true],
  'records tell different things': [[newer, tombstone('f', 'old')], null, true],
  'a tombstone of another content': [[tombstone('f', 'other')], null, false],
  'a file in its place that names no content before it': [[fileRecord('f', 'new')], null, false],
}

for (const [name, [records, reason, isKnown]] of Object.entries(cases))
  test(`why a file lies in the archive: ${name}`, () => {
    assert.equal(reasonTold(OLD, records), reason)
    assert.equal(isKnownContent(OLD, records), isKnown)
  })
