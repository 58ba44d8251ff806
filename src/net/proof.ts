/**
 * The mutual proof that both ends of a connection hold the secret of a folder (README, "Secrets"), as functions over
 * bytes. Nothing of the folder is said before it.
 *
 *     both:  HELLO = version, folder id, 32 random bytes, whether it will prove to be a writer
 *            T     = BLAKE3 over the folder id, both authenticated peer ids, both HELLOs as they were sent
 *     both:  PROOF = HMAC-SHA-256(read key, side || T), and of a writer Ed25519(sign key, side || T)
 *
 * The side (who opened the stream) keeps a proof from being sent back to its maker; the peer ids keep it from being
 * passed on over another connection (js-libp2p does not give Noise's handshake hash); the nonces keep it from being
 * used again; the HELLOs within T keep what was agreed from being changed.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { createBlake3 } from '../base/blake3.ts'
import { type FolderId, fromHex } from '../base/brand.ts'
import { type FolderKeys } from '../base/secret.ts'
import { HelloSchema, ProofSchema } from './wire_pb.ts'

export const PROTOCOL_VERSION = 1
const FOLDER_ID_BYTES = 16
const NONCE_BYTES = 32
const NO_UNKNOWN_FIELDS = { readUnknownFields: false }

/** Who opened the stream. */
export type Side = 'opener' | 'acceptor'

export interface Hello {
  readonly version: number
  readonly folder: FolderId
  readonly nonce: Uint8Array
  readonly writer: boolean
  /** To a host that is proven already: use the other connection. */
  readonly busy: boolean
  /** To a host that is shut out. */
  readonly banned: boolean
}

/** Why a proof will not go on. */
export type Refusal = 'busy' | 'banned'

/** One end: its authenticated peer id, and its HELLO as it was sent. */
export interface End {
  readonly peerId: Uint8Array
  readonly hello: Uint8Array
}

export function makeHello(folder: FolderId, writer: boolean, refusal?: Refusal): Uint8Array {
  const common = { version: PROTOCOL_VERSION, folder: Buffer.from(folder, 'hex'), nonce: randomBytes(NONCE_BYTES) }
  const refused = { busy: refusal === 'busy', banned: refusal === 'banned' }
  return toBinary(HelloSchema, create(HelloSchema, { ...common, writer, ...refused }))
}

/** A HELLO, or in words what is wrong with it. */
export function readHello(bytes: Uint8Array): Hello | string {
  try {
    const hello = fromBinary(HelloSchema, bytes, NO_UNKNOWN_FIELDS)
    if (hello.folder.byteLength !== FOLDER_ID_BYTES) return 'its folder id has a wrong length'
    if (hello.nonce.byteLength !== NONCE_BYTES) return 'its nonce has a wrong length'
    const { version, nonce, writer, busy, banned } = hello
    return { version, folder: fromHex(Buffer.from(hello.folder).toString('hex')), nonce, writer, busy, banned }
  } catch {
    return 'it is not a HELLO'
  }
}

/** T: the same 32 bytes on both ends, or else they do not talk to each other. */
export function transcript(folder: FolderId, opener: End, acceptor: End): Uint8Array {
  const hasher = createBlake3()
  hasher.update(Buffer.from('isosync/1 proof'))
  hasher.update(Buffer.from(folder, 'hex'))
  for (const part of [opener.peerId, acceptor.peerId, opener.hello, acceptor.hello]) {
    const length = Buffer.alloc(4)
    length.writeUInt32LE(part.byteLength)
    hasher.update(length)
    hasher.update(part)
  }
  return hasher.digest()
}

export function makeProof(keys: FolderKeys, side: Side, t: Uint8Array): Uint8Array {
  const signature = keys.sign?.(signedText(side, t)) ?? new Uint8Array(0)
  return toBinary(ProofSchema, create(ProofSchema, { mac: macOf(keys, side, t), signature }))
}

/** True if `proof` shows that `side` holds the secret, and the read-write one if it said so. */
export function proofHolds(keys: FolderKeys, side: Side, t: Uint8Array, proof: Uint8Array, writer: boolean): boolean {
  try {
    const read = fromBinary(ProofSchema, proof, NO_UNKNOWN_FIELDS)
    if (Buffer.compare(toBinary(ProofSchema, read), proof) !== 0) return false // one form only
    const { mac, signature } = read
    const wanted = macOf(keys, side, t)
    if (mac.byteLength !== wanted.byteLength || !timingSafeEqual(mac, wanted)) return false
    return writer ? keys.verify(signedText(side, t), signature) : signature.byteLength === 0
  } catch {
    return false
  }
}

function macOf(keys: FolderKeys, side: Side, t: Uint8Array): Buffer {
  return createHmac('sha256', keys.readKey.reveal()).update(`isosync/1 ${side}`).update(t).digest()
}

function signedText(side: Side, t: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`isosync/1 writer ${side}`), t])
}
