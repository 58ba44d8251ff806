/**
 * The library's Noise, with three methods of its connection replaced:
 *  - encrypt: a message is gathered in one buffer that is used again and again, and encrypted in one call;
 *  - decrypt: likewise, instead of joining the parts in a new buffer that is then thrown away;
 *  - send: encrypts at once, also while the socket is full. The library keeps such bytes as plaintext until later,
 *    so that nobody could tell when a piece's buffer may be used for something else. Senders wait for 'drain' anyway.
 */
import { type ICryptoInterface, noise } from '@chainsafe/libp2p-noise'
import { type ComponentLogger, type ConnectionEncrypter, type MessageStream, type PrivateKey } from '@libp2p/interface'
import { Uint8ArrayList } from 'uint8arraylist'
import { noiseCrypto, TAG_BYTES } from './noise-crypto.ts'

/** The largest Noise message (its length is a u16). */
const MAX_CIPHERTEXT_BYTES = 65_535
/** What fits in one message: a yamux frame of exactly so many bytes is one message and one tag. */
export const MAX_PLAINTEXT_BYTES = MAX_CIPHERTEXT_BYTES - TAG_BYTES

type Bytes = Uint8Array | Uint8ArrayList

/** What we use of the library's encrypted connection. */
interface NoiseStream extends MessageStream {
  writeStatus: string
  handshake: { encrypt(plain: Uint8Array): Bytes; decrypt(cipher: Uint8Array): Bytes }
  encrypt(chunk: Bytes): Uint8ArrayList
  decrypt(chunk: Bytes): Uint8ArrayList
  sendData(data: Uint8ArrayList): { canSendMore: boolean }
}

export interface NoiseComponents {
  readonly privateKey: PrivateKey
  readonly logger: ComponentLogger
}

/** A connection encrypter for libp2p; without the same `prologue` on both sides no handshake completes. */
export function fastNoise(prologue: Uint8Array, crypto: ICryptoInterface = noiseCrypto) {
  return (components: unknown): ConnectionEncrypter => {
    type Components = Parameters<ReturnType<typeof noise>>[0]
    const inner = noise({ crypto, prologueBytes: prologue })(components as Components)
    const secureOutbound = inner.secureOutbound.bind(inner)
    const secureInbound = inner.secureInbound.bind(inner)
    inner.secureOutbound = async (connection, options) => tuned(await secureOutbound(connection, options))
    inner.secureInbound = async (connection, options) => tuned(await secureInbound(connection, options))
    return inner
  }
}

/** One message at a time is gathered, encrypted and done with: one buffer serves all connections. */
const scratch = Buffer.allocUnsafeSlow(MAX_CIPHERTEXT_BYTES)

function tuned<T extends { connection: MessageStream }>(secured: T): T {
  const stream = secured.connection as NoiseStream
  const { handshake } = stream
  stream.encrypt = (chunk) => {
    const out = new Uint8ArrayList()
    for (let at = 0; at < chunk.byteLength; at += MAX_PLAINTEXT_BYTES) {
      const data = handshake.encrypt(gather(chunk, at, Math.min(at + MAX_PLAINTEXT_BYTES, chunk.byteLength)))
      out.append(lengthPrefix(data.byteLength), data)
    }
    return out
  }
  stream.decrypt = (chunk) => new Uint8ArrayList(handshake.decrypt(gather(chunk, 0, chunk.byteLength)))
  stream.send = (data) => {
    if (stream.writeStatus !== 'writable') throw new Error(`the connection is ${stream.writeStatus}`)
    const list = data instanceof Uint8Array ? new Uint8ArrayList(data) : data
    const { canSendMore } = stream.sendData(list)
    if (!canSendMore) stream.writableNeedsDrain = true
    return canSendMore
  }
  return secured
}

/** Bytes `from` to `to` in one piece: a view where they lie together, else copied to the scratch buffer. */
function gather(chunk: Bytes, from: number, to: number): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk.subarray(from, to)
  let at = 0
  let filled = 0
  for (const part of chunk) {
    const start = Math.max(from - at, 0)
    const end = Math.min(to - at, part.byteLength)
    at += part.byteLength
    if (start >= end) continue
    const bytes = start === 0 && end === part.byteLength ? part : part.subarray(start, end)
    if (bytes.byteLength === to - from) return bytes
    scratch.set(bytes, filled)
    filled += bytes.byteLength
  }
  return scratch.subarray(0, filled)
}

function lengthPrefix(bytes: number): Uint8Array {
  const prefix = Buffer.allocUnsafe(2)
  prefix.writeUInt16BE(bytes)
  return prefix
}
