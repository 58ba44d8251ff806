/**
 * The cipher of Noise on Node's own OpenSSL: called directly where that is possible (chacha-poly.ts), else through
 * node:crypto. There the library imports the raw key again for each message, which costs 11 µs; with a KeyObject made
 * once per key it is 1.4 µs. Everything else of Noise stays the library's.
 */
import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from 'node:crypto'
import { type ICryptoInterface } from '@chainsafe/libp2p-noise'
import { defaultCrypto } from '@chainsafe/libp2p-noise/crypto'
import { Uint8ArrayList } from 'uint8arraylist'
import { ChaChaPoly, TAG_BYTES } from '../base/chacha-poly.ts'
import { openedBuffers, PREFIX_BYTES, sealedBuffers } from './noise-buffers.ts'

const CIPHER = 'chacha20-poly1305'
const withTag = { authTagLength: TAG_BYTES }

/** The library has an older copy of the list, which differs in its types only. */
type Bytes = Parameters<ICryptoInterface['chaCha20Poly1305Encrypt']>[0]

/** Each key of a connection goes one way only. Null: not on this machine. */
const natives = new WeakMap<Uint8Array, ChaChaPoly | null>()

function nativeOf(key: Uint8Array, direction: 'encrypt' | 'decrypt', ad: Uint8Array): ChaChaPoly | null {
  if (ad.byteLength > 0) return null // the handshake
  let native = natives.get(key)
  if (native === undefined) natives.set(key, (native = ChaChaPoly.create(key, direction)))
  return native
}

const keys = new WeakMap<Uint8Array, KeyObject>()

function keyOf(raw: Uint8Array): KeyObject {
  let key = keys.get(raw)
  if (key === undefined) keys.set(raw, (key = createSecretKey(raw)))
  return key
}

export const noiseCrypto: ICryptoInterface = {
  ...defaultCrypto,

  /** The result has PREFIX_BYTES free before it, for its length, unless it is a list. */
  chaCha20Poly1305Encrypt(plaintext, nonce, ad, key) {
    const native = nativeOf(key, 'encrypt', ad)
    if (native === null) return encrypt(plaintext, nonce, ad, key)
    const sealed = sealedBuffers.take(PREFIX_BYTES + plaintext.byteLength + TAG_BYTES).subarray(PREFIX_BYTES)
    native.seal(nonce, partsOf(plaintext), sealed)
    return sealed
  },

  chaCha20Poly1305Decrypt(ciphertext, nonce, ad, key) {
    const native = nativeOf(key, 'decrypt', ad)
    if (native === null) return decrypt(ciphertext, nonce, ad, key)
    const end = ciphertext.byteLength - TAG_BYTES
    if (end < 0) throw new Error('an encrypted message that is shorter than its tag')
    const plain = openedBuffers.take(end)
    if (native.open(nonce, partsOf(ciphertext, end), ciphertext.subarray(end), plain)) return plain
    throw new Error('an encrypted message that was changed on its way, or belongs to another connection')
  },
}

/** The bytes before `end` as they lie in memory. */
function partsOf(bytes: Bytes, end = bytes.byteLength): Iterable<Uint8Array> {
  if (bytes instanceof Uint8Array) return [bytes.subarray(0, end)]
  return end === bytes.byteLength ? bytes : bytes.sublist(0, end)
}

function encrypt(plaintext: Bytes, nonce: Uint8Array, ad: Uint8Array, key: Uint8Array): Uint8Array {
  const plain = plaintext.subarray()
  const cipher = createCipheriv(CIPHER, keyOf(key), nonce, withTag)
  if (ad.byteLength > 0) cipher.setAAD(ad, { plaintextLength: plain.byteLength })
  const encrypted = cipher.update(plain)
  cipher.final()
  return new Uint8ArrayList(encrypted, cipher.getAuthTag()) as unknown as Uint8Array
}

function decrypt(ciphertext: Bytes, nonce: Uint8Array, ad: Uint8Array, key: Uint8Array): Uint8Array {
  const all = ciphertext.subarray()
  const end = all.byteLength - TAG_BYTES
  const decipher = createDecipheriv(CIPHER, keyOf(key), nonce, withTag)
  if (ad.byteLength > 0) decipher.setAAD(ad, { plaintextLength: end })
  decipher.setAuthTag(all.subarray(end))
  const plain = decipher.update(all.subarray(0, end))
  decipher.final()
  return plain
}
