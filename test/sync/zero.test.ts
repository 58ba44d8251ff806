import assert from 'node:assert/strict'
import { test } from 'node:test'
import { blake3 } from '../../src/base/blake3.ts'
import { MAX_PIECE_BYTES, SECTOR_BYTES } from '../../src/sync/piece-list.ts'
import { isZeroPiece, zeroHash } from '../../src/sync/zero.ts'

for (const bytes of [1, SECTOR_BYTES, SECTOR_BYTES + 1, MAX_PIECE_BYTES - 1, MAX_PIECE_BYTES]) {
  test(`A piece of ${bytes} zeros is known by its hash, also the second time`, () => {
    const hash = blake3(new Uint8Array(bytes))
    assert.ok(isZeroPiece(hash, bytes))
    assert.ok(isZeroPiece(hash, bytes))
    assert.deepEqual(Buffer.from(zeroHash(bytes)), hash)
  })
}

const not = [
  { name: 'the hash of another length', hash: blake3(new Uint8Array(SECTOR_BYTES)), bytes: 2 * SECTOR_BYTES },
  { name: 'the hash of a byte that is not zero', hash: blake3(Uint8Array.of(1)), bytes: 1 },
  { name: 'no bytes', hash: blake3(new Uint8Array(0)), bytes: 0 },
  { name: 'more than a piece can have', hash: blake3(new Uint8Array(MAX_PIECE_BYTES)), bytes: MAX_PIECE_BYTES + 1 },
]
for (const { name, hash, bytes } of not) {
  test(`Not a piece of zeros: ${name}`, () => assert.equal(isZeroPiece(hash, bytes), false))
}
