/**
 * The library's Noise, with its connection's ways of handling bytes replaced:
 *  - encrypt: a message is encrypted from where its parts lie, in one call, behind its own length: one write;
 *  - decrypt: likewise, from where the parts of a message lie to a buffer that comes back;
 *  - decoder: takes messages apart without making an error object at the end of each read;
 *  - messages are handed on without DOM events (direct-messages.ts);
 *  - send: encrypts at once, also while the socket is full. The library keeps such bytes as plaintext until later,
 *    so that nobody could tell when a piece's buffer may be used for something else. Senders wait for 'drain' anyway.
 */
import { type ICryptoInterface, noise } from '@chainsafe/libp2p-noise'
import { type ComponentLogger, type ConnectionEncrypter, type MessageStream, type PrivateKey } from '@libp2p/interface'
import { Uint8ArrayList } from 'uint8arraylist'
import { drawLife, notACopy } from './clone.ts'
import { directMessages, takeDirectly } from './direct-messages.ts'
import { MAX_PLAINTEXT_BYTES, PREFIX_BYTES } from './noise-buffers.ts'
import { noiseCrypto } from './noise-crypto.ts'

type Bytes = Uint8Array | Uint8ArrayList

/** What we use of the library's encrypted connection. */
interface NoiseStream extends MessageStream {
  /** The connection that carries it. */
  stream: MessageStream
  writeStatus: string
  handshake: { encrypt(plain: Bytes): Bytes; decrypt(cipher: Bytes): Bytes }
  decoder: { readonly buffer: Uint8ArrayList; decode(bytes: Bytes): Iterable<Bytes> }
  encrypt(chunk: Bytes): Uint8ArrayList
  decrypt(chunk: Bytes): Uint8ArrayList
  sendData(data: Uint8ArrayList): { canSendMore: boolean }
  onData(data: Uint8ArrayList): void
}

export interface NoiseComponents {
  readonly privateKey: PrivateKey
  readonly logger: ComponentLogger
}

/** A connection encrypter for libp2p; without the same `prologue` on both sides no handshake completes. */
export function fastNoise(prologue: Uint8Array, crypto: ICryptoInterface = noiseCrypto) {
  return (components: unknown): ConnectionEncrypter => {
    type Components = Parameters<ReturnType<typeof noise>>[0]
    const life = drawLife()
    const extensions = { webtransportCerthashes: [life] }
    const inner = noise({ crypto, prologueBytes: prologue, extensions })(components as Components)
    const ourKey = (components as NoiseComponents).privateKey.publicKey
    const secureOutbound = inner.secureOutbound.bind(inner)
    const secureInbound = inner.secureInbound.bind(inner)
    inner.secureOutbound = async (connection, options) =>
      tuned(notACopy(await secureOutbound(connection, options), { ourKey, life }))
    inner.secureInbound = async (connection, options) => tuned(await secureInbound(connection, options))
    return inner
  }
}

function tuned<T extends { connection: MessageStream }>(secured: T): T {
  const stream = secured.connection as NoiseStream
  const { handshake } = stream
  stream.encrypt = (chunk) => {
    const out = new Uint8ArrayList()
    for (let at = 0; at < chunk.byteLength; at += MAX_PLAINTEXT_BYTES)
      appendMessage(out, handshake.encrypt(part(chunk, at, Math.min(at + MAX_PLAINTEXT_BYTES, chunk.byteLength))))
    return out
  }
  stream.decrypt = (message) => new Uint8ArrayList(handshake.decrypt(message))
  stream.decoder = new MessageReader(stream.decoder.buffer)
  stream.send = (data) => {
    if (stream.writeStatus !== 'writable') throw new Error(`the connection is ${stream.writeStatus}`)
    const list = data instanceof Uint8Array ? new Uint8ArrayList(data) : data
    const { canSendMore } = stream.sendData(list)
    if (!canSendMore) stream.writableNeedsDrain = true
    return canSendMore
  }
  directMessages(stream)
  takeDirectly(stream.stream, (bytes) => {
    try {
      for (const message of stream.decoder.decode(bytes)) stream.onData(stream.decrypt(message))
    } catch (error) {
      stream.abort(error as Error)
    }
  })
  return secured
}

function part(chunk: Bytes, from: number, to: number): Bytes {
  if (from === 0 && to === chunk.byteLength) return chunk
  return chunk instanceof Uint8Array ? chunk.subarray(from, to) : chunk.sublist(from, to)
}

/** A message behind its length, which goes before it in the same buffer where there is room for it (noise-crypto.ts). */
function appendMessage(out: Uint8ArrayList, sealed: Bytes): void {
  const bytes = sealed.byteLength
  const inOne = sealed instanceof Uint8Array && sealed.byteOffset >= PREFIX_BYTES
  const from = inOne ? sealed.byteOffset - PREFIX_BYTES : 0
  const framed = inOne ? Buffer.from(sealed.buffer, from, PREFIX_BYTES + bytes) : Buffer.allocUnsafe(PREFIX_BYTES)
  framed.writeUInt16BE(bytes)
  out.append(framed)
  if (!inOne) out.append(sealed)
}

/** Takes encrypted messages apart, however they were cut on their way; copies nothing. */
class MessageReader {
  readonly buffer: Uint8ArrayList

  /** `buffer`: what has come already. */
  constructor(buffer: Uint8ArrayList) {
    this.buffer = buffer
  }

  *decode(bytes: Bytes): Iterable<Bytes> {
    this.buffer.append(bytes)
    while (this.buffer.byteLength >= PREFIX_BYTES) {
      const end = PREFIX_BYTES + this.buffer.get(0) * 256 + this.buffer.get(1)
      if (this.buffer.byteLength < end) return
      const message = this.buffer.sublist(PREFIX_BYTES, end)
      this.buffer.consume(end)
      if (message.byteLength > 0) yield message
    }
  }
}
