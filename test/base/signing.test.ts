/** Signatures are those of RFC 8032: node:crypto, the oracle here, makes and takes the same. */
import assert from 'node:assert/strict'
import { createPrivateKey, createPublicKey, randomBytes, sign, verify } from 'node:crypto'
import { test } from 'node:test'
import { isSignedBy, signPair } from '../../src/base/signing.ts'

/** DER header of a raw Ed25519 private key (RFC 8410 PKCS #8). */
const PKCS8_HEADER = Buffer.from('302e020100300506032b657004220420', 'hex')
const PAIRS = 50

test('a signature is the one of RFC 8032, section 7.1, test 3', () => {
  const pair = signPair(Buffer.from('c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7', 'hex'))
  const expected =
    '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a'
  assert.equal(
    Buffer.from(pair.publicKey).toString('hex'),
    'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
  )
  assert.equal(Buffer.from(pair.sign(Buffer.from('af82', 'hex'))).toString('hex'), expected)
})

test('node:crypto makes the same signatures, and takes ours', () => {
  for (let i = 0; i < PAIRS; i++) {
    const [seed, bytes] = [randomBytes(32), randomBytes(i * 7)]
    const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8_HEADER, seed]), format: 'der', type: 'pkcs8' })
    const pair = signPair(seed)
    assert.deepEqual(Buffer.from(pair.sign(bytes)), sign(null, bytes, privateKey))
    assert.ok(verify(null, bytes, createPublicKey(privateKey), pair.sign(bytes)))
    assert.ok(isSignedBy(pair.publicKey, bytes, sign(null, bytes, privateKey)))
  }
})

test('whatever bit is flipped, of message, signature or key, it is refused; and so is a signature of another length', () => {
  const pair = signPair(randomBytes(32))
  const bytes = Buffer.from('a record')
  const signature = pair.sign(bytes)
  for (const [what, length] of [
    ['bytes', 8],
    ['signature', 64],
    ['key', 32],
  ] as const)
    for (let bit = 0; bit < length * 8; bit++) {
      const parts = {
        bytes: Uint8Array.from(bytes),
        signature: Uint8Array.from(signature),
        key: Uint8Array.from(pair.publicKey),
      }
      const at = bit >> 3
      parts[what][at] = (parts[what][at] ?? 0) ^ (1 << (bit & 7))
      assert.ok(!isSignedBy(parts.key, parts.bytes, parts.signature), `${what}, bit ${bit}`)
    }
  for (const length of [0, 63, 65]) assert.ok(!isSignedBy(pair.publicKey, bytes, new Uint8Array(length)))
})
