import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create, toBinary } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { decodeFrame } from '../../src/net/codec.ts'
import { ProtocolError } from '../../src/net/record-codec.ts'
import { FolderFrameSchema, WhereSchema } from '../../src/net/wire_pb.ts'
import { linkTargetTrouble, MAX_NAME_BYTES, MAX_PATH_BYTES, parsePath } from '../../src/sync/path.ts'
import { path as pathOf } from '../sync/record-samples.ts'
import { hostilePaths, ODD_BUT_GOOD } from './hostile-names.ts'

test('over a thousand hostile paths are refused, by the validator and on the wire', () => {
  const paths = hostilePaths()
  assert.ok(paths.length > 1_000, `${paths.length}`)
  for (const path of paths) {
    assert.equal(parsePath(path), null, JSON.stringify(path.slice(0, 60)))
    if (!path.isWellFormed()) continue // cannot even be put into a message
    const value = create(WhereSchema, { id: 1, path })
    const frame = toBinary(FolderFrameSchema, create(FolderFrameSchema, { body: { case: 'where', value } }))
    assert.throws(() => decodeFrame(frame), ProtocolError, JSON.stringify(path.slice(0, 60)))
  }
})

test('odd names that are names come through byte for byte', () => {
  for (const path of ODD_BUT_GOOD) assert.equal(parsePath(path), path, JSON.stringify(path))
})

test('whatever is taken as a path stays below the root and fits the disk', () => {
  const piece = fc.oneof(fc.constantFrom('.', '..', '/', '//', '\0', 'a', 'ä', '\ud800', 'n'.repeat(250)), fc.string())
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const path = parsePath(pieces.join(''))
      if (path === null) return
      const names = path.split('/')
      assert.ok(names.every((name) => name !== '' && name !== '.' && name !== '..' && !name.includes('\0')))
      assert.ok(names.every((name) => Buffer.byteLength(name) <= MAX_NAME_BYTES))
      assert.ok(Buffer.byteLength(path) <= MAX_PATH_BYTES)
      assert.equal(Buffer.from(path).toString(), path)
    }),
    { numRuns: 5_000 },
  )
})

test('no link target leads out of the root, however it winds', () => {
  const step = fc.constantFrom('..', '.', 'a', 'b', '', '...')
  fc.assert(
    fc.property(fc.array(step, { maxLength: 10 }), fc.nat({ max: 4 }), (steps, depth) => {
      const at = pathOf(`${'d/'.repeat(depth)}link`)
      if (linkTargetTrouble(at, steps.join('/')) !== null) return
      let below = depth
      for (const name of steps) {
        below += name === '..' ? -1 : name === '.' || name === '' ? 0 : 1
        assert.ok(below >= 0, `${at} -> ${steps.join('/')}`)
      }
    }),
    { numRuns: 3_000 },
  )
})
