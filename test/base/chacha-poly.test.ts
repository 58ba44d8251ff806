import assert from 'node:assert/strict'
import { createCipheriv, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { ChaChaPoly, TAG_BYTES } from '../../src/base/chacha-poly.ts'
import { pretendNoNative } from '../../src/base/native-library.ts'

/** What node:crypto makes of it: ciphertext, then tag. */
function oracle(key: Uint8Array, nonce: Uint8Array, plain: Uint8Array): Buffer {
  const cipher = createCipheriv('chacha20-poly1305', key, nonce, { authTagLength: TAG_BYTES })
  return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

function make(key: Uint8Array, direction: 'encrypt' | 'decrypt'): ChaChaPoly {
  const made = ChaChaPoly.create(key, direction)
  assert.ok(made !== null, 'koffi is installed with everything else')
  return made
}

/** Cuts bytes where they are told to be cut. */
function cut(bytes: Buffer, at: readonly number[]): Buffer[] {
  const cuts = [0, ...at.map((n) => n % (bytes.byteLength + 1)).sort((a, b) => a - b), bytes.byteLength]
  return cuts.slice(1).map((end, i) => bytes.subarray(cuts[i], end))
}

test('it encrypts as node:crypto does, message after message, however the message is cut', () => {
  const key = randomBytes(32)
  const [seal, open] = [make(key, 'encrypt'), make(key, 'decrypt')]
  fc.assert(
    fc.property(fc.nat(70_000), fc.array(fc.nat(70_000), { maxLength: 5 }), fc.nat(), (length, cuts, n) => {
      const plain = Buffer.alloc(length, `content ${n}`)
      const nonce = Buffer.alloc(12)
      nonce.writeUInt32LE(n, 4)
      const sealed = Buffer.alloc(length + TAG_BYTES)
      seal.seal(nonce, cut(plain, cuts), sealed)
      assert.ok(sealed.equals(oracle(key, nonce, plain)))
      const opened = Buffer.alloc(length)
      assert.ok(open.open(nonce, cut(sealed.subarray(0, length), cuts), sealed.subarray(length), opened))
      assert.ok(opened.equals(plain))
    }),
  )
})

test('a flipped bit, another nonce and another key are told, and the next message is read all the same', () => {
  const key = randomBytes(32)
  const open = make(key, 'decrypt')
  const nonce = Buffer.alloc(12, 1)
  const sealed = oracle(key, nonce, Buffer.from('an image'))
  const tryOpen = (by: ChaChaPoly, n: Buffer, bytes: Buffer) =>
    by.open(n, [bytes.subarray(0, -TAG_BYTES)], bytes.subarray(-TAG_BYTES), Buffer.alloc(8))
  for (let bit = 0; bit < sealed.byteLength * 8; bit++) {
    const bad = Buffer.from(sealed)
    bad[bit >> 3] = (bad[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    assert.equal(tryOpen(open, nonce, bad), false)
  }
  assert.equal(tryOpen(open, Buffer.alloc(12, 2), sealed), false)
  assert.equal(tryOpen(make(randomBytes(32), 'decrypt'), nonce, sealed), false)
  assert.equal(tryOpen(open, nonce, sealed), true)
})

test('it never writes beyond the room it was given', () => {
  const seal = make(randomBytes(32), 'encrypt')
  assert.throws(() => seal.seal(Buffer.alloc(12), [Buffer.alloc(100)], Buffer.alloc(100)), /no room/)
})

test('without koffi there is none', () => {
  pretendNoNative(true)
  try {
    assert.equal(ChaChaPoly.create(randomBytes(32), 'encrypt'), null)
  } finally {
    pretendNoNative(false)
  }
})
