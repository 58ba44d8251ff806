/**
 * Secrets of folders: 32 random bytes R, from which all keys come one way (README, "Secrets").
 *
 *     sign pair (sk, pk) = Ed25519(HKDF(R, "sign"))      read key k = HKDF(R, "read")
 *     read-only secret   = pk || k                       folder id = BLAKE3("isosync/1 folder" || pk || k)[0..16]
 *
 * As text: a letter (A = read-write, B = read-only, as in Resilio), then base32 of the bytes and 4 bytes of BLAKE3
 * over them, so that a typing error is told from a wrong secret.
 */
import { hkdfSync, randomBytes } from 'node:crypto'
import { base32nopad } from '@scure/base'
import { blake3 } from './blake3.ts'
import { type FolderId, fromHex } from './brand.ts'
import { Redacted } from './redacted.ts'
import { isSignedBy, PUBLIC_KEY_BYTES, SEED_BYTES, signPair, type SignPair } from './signing.ts'

const CHECKSUM_BYTES = 4
const READ_WRITE_BYTES = 32
const READ_ONLY_BYTES = 64

/** What a secret gives: everything a host needs to prove itself, sign and check. */
export interface FolderKeys {
  readonly id: FolderId
  /** 32 bytes: proves that a host may read. */
  readonly readKey: Redacted<Uint8Array>
  /** True if a holder of the read-write secret signed `bytes`. */
  verify(bytes: Uint8Array, signature: Uint8Array): boolean
  /** An Ed25519 signature, 64 bytes; null with a read-only secret. */
  readonly sign: ((bytes: Uint8Array) => Uint8Array) | null
}

/** A new read-write secret. */
export function generateSecret(): string {
  return encode('A', randomBytes(READ_WRITE_BYTES))
}

/** The keys of a secret, or in plain words what is wrong with it (never the secret itself). */
export function parseSecret(text: string): FolderKeys | string {
  const bytes = decode(text)
  if (typeof bytes === 'string') return bytes
  return text.startsWith('A') ? readWriteKeys(bytes) : readOnlyKeys(bytes, null)
}

/** The read-only secret of a read-write one, or in plain words what is wrong. */
export function readOnlySecret(text: string): string {
  const bytes = decode(text)
  if (typeof bytes === 'string') throw new Error(bytes)
  if (text.startsWith('B')) return text
  const { pair, readKey } = derive(bytes)
  return encode('B', Buffer.concat([pair.publicKey, readKey]))
}

function readWriteKeys(secret: Uint8Array): FolderKeys {
  const { pair, readKey } = derive(secret)
  return readOnlyKeys(Buffer.concat([pair.publicKey, readKey]), pair)
}

function readOnlyKeys(publicAndRead: Uint8Array, pair: SignPair | null): FolderKeys {
  const publicKey = publicAndRead.subarray(0, PUBLIC_KEY_BYTES)
  const id = blake3(Buffer.concat([Buffer.from('isosync/1 folder'), publicAndRead])).subarray(0, 16)
  return {
    id: fromHex<FolderId>(id.toString('hex')),
    readKey: new Redacted<Uint8Array>(publicAndRead.subarray(PUBLIC_KEY_BYTES)),
    verify: (bytes, signature) => isSignedBy(publicKey, bytes, signature),
    sign: pair === null ? null : (bytes) => pair.sign(bytes),
  }
}

function derive(secret: Uint8Array): { pair: SignPair; readKey: Buffer } {
  const seed = Buffer.from(hkdfSync('sha256', secret, '', 'isosync/1 sign', SEED_BYTES))
  const readKey = Buffer.from(hkdfSync('sha256', secret, '', 'isosync/1 read', 32))
  return { pair: signPair(seed), readKey }
}

function encode(letter: 'A' | 'B', bytes: Uint8Array): string {
  return letter + base32nopad.encode(Buffer.concat([bytes, checksum(letter, bytes)]))
}

function decode(text: string): Uint8Array | string {
  const letter = text[0]
  if (letter !== 'A' && letter !== 'B') return 'a secret begins with A (read-write) or B (read-only)'
  let all: Uint8Array
  try {
    all = base32nopad.decode(text.slice(1))
  } catch {
    return 'a secret has only the letters A-Z and the digits 2-7 behind its first letter'
  }
  const wanted = letter === 'A' ? READ_WRITE_BYTES : READ_ONLY_BYTES
  if (all.length !== wanted + CHECKSUM_BYTES) {
    const length = 1 + Math.ceil(((wanted + CHECKSUM_BYTES) * 8) / 5)
    return `it has ${text.length} characters where an isosyncd secret that begins with ${letter} has ${length}: a secret made by another program does not fit, make one for all hosts with \`isosyncd --generate-secret\``
  }
  const bytes = all.subarray(0, wanted)
  if (!checksum(letter, bytes).equals(all.subarray(wanted))) return 'its checksum does not fit: it has a typing error'
  return bytes
}

function checksum(letter: 'A' | 'B', bytes: Uint8Array): Buffer {
  return blake3(Buffer.concat([Buffer.from(letter), bytes])).subarray(0, CHECKSUM_BYTES)
}
