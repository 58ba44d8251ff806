/**
 * The stream of pieces, from the one that has them to the one that asked. A run of chunks, each with a header of 12
 * bytes (big-endian), then raw bytes:
 *
 *     u8 kind | 3 bytes 0 | u32 id of the request | u32 n
 *     kind 1, piece:    n bytes follow, the next ones of the pieces asked for, in order; a chunk ends with its piece
 *     kind 2, refused:  nothing follows; the rest of the request will not come
 *     kind 3, list:     nothing follows; the piece list asked for has n bytes
 *     kind 4, listed:   n bytes follow, the next ones of the piece list
 *
 * Chunks are at most MAX_CHUNK_BYTES, so that cancelling takes effect soon and requests share the stream.
 */
import { MAX_PLAINTEXT_BYTES } from './noise-buffers.ts'
import { ProtocolError } from './record-codec.ts'

export const HEADER_BYTES = 12
/** yamux puts 12 bytes before what is sent at once; together they fill one encrypted message to the last byte. */
export const MUXER_HEADER_BYTES = 12
export const MAX_SEND_BYTES = MAX_PLAINTEXT_BYTES - MUXER_HEADER_BYTES
export const MAX_CHUNK_BYTES = MAX_SEND_BYTES - HEADER_BYTES

export const PIECE = 1
export const REFUSED = 2
export const LIST = 3
export const LISTED = 4
export type ChunkKind = typeof PIECE | typeof REFUSED | typeof LIST | typeof LISTED

export function chunkHeader(kind: ChunkKind, id: number, n: number): Uint8Array {
  const header = Buffer.allocUnsafe(HEADER_BYTES)
  header.writeUInt32BE(kind * 2 ** 24, 0)
  header.writeUInt32BE(id, 4)
  header.writeUInt32BE(n, 8)
  return header
}

/** What the reader of the stream does with it. */
export interface ChunkTaker {
  /** A header has come. Throws ProtocolError when it is not expected. */
  header(kind: ChunkKind, id: number, n: number): void
  /** Bytes of the chunk whose header came last; valid during the call only. */
  bytes(bytes: Uint8Array): void
}

/** Takes the stream apart, however it was cut on its way. Allocates nothing. */
export class ChunkReader {
  readonly #taker: ChunkTaker
  readonly #header = Buffer.alloc(HEADER_BYTES)
  #headerBytes = 0
  #left = 0

  constructor(taker: ChunkTaker) {
    this.#taker = taker
  }

  push(bytes: Uint8Array): void {
    let at = 0
    while (at < bytes.byteLength) {
      if (this.#left > 0) {
        const end = Math.min(bytes.byteLength, at + this.#left)
        this.#left -= end - at
        this.#taker.bytes(at === 0 && end === bytes.byteLength ? bytes : bytes.subarray(at, end))
        at = end
      } else {
        this.#header[this.#headerBytes++] = bytes[at++] ?? 0
        if (this.#headerBytes === HEADER_BYTES) this.#readHeader()
      }
    }
  }

  #readHeader(): void {
    this.#headerBytes = 0
    const kind = this.#header.readUInt32BE(0) / 2 ** 24
    const id = this.#header.readUInt32BE(4)
    const n = this.#header.readUInt32BE(8)
    if (!isKind(kind)) throw new ProtocolError(`a chunk of unknown kind ${kind}`)
    const hasBytes = kind === PIECE || kind === LISTED
    if (hasBytes && (n === 0 || n > MAX_CHUNK_BYTES)) throw new ProtocolError(`a chunk of ${n} bytes`)
    this.#taker.header(kind, id, n)
    this.#left = hasBytes ? n : 0
  }
}

function isKind(kind: number): kind is ChunkKind {
  return kind === PIECE || kind === REFUSED || kind === LIST || kind === LISTED
}
