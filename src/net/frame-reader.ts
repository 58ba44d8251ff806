/** Cuts a stream of bytes into messages, each preceded by its length as a varint. The length is checked first. */

/** A varint of more bytes would be a length beyond every bound. */
const MAX_PREFIX_BYTES = 4

export class FrameReader {
  #maxBytes: number
  #length = 0
  #prefixBytes = 0
  #frame: Uint8Array | null = null
  #filled = 0

  constructor(options: { maxBytes: number }) {
    this.#maxBytes = options.maxBytes
  }

  /** From the next message on, this many bytes are allowed. */
  allow(maxBytes: number): void {
    this.#maxBytes = maxBytes
  }

  /**
   * Reads up to the end of the next message and gives it to `take`, which owns the array. Returns how many of `bytes`
   * it has read: all, or fewer after a message. Throws when a length is over the bound.
   */
  read(bytes: Uint8Array, take: (frame: Uint8Array) => void): number {
    let at = 0
    while (at < bytes.byteLength) {
      if (this.#frame === null) this.#readPrefix(bytes[at++] ?? 0)
      else at += this.#fill(this.#frame, bytes.subarray(at))
      if (this.#frame === null || this.#filled < this.#frame.byteLength) continue
      this.#emit(this.#frame, take)
      break
    }
    return at
  }

  #readPrefix(byte: number): void {
    this.#length += (byte & 127) * 2 ** (7 * this.#prefixBytes++)
    if (this.#length > this.#maxBytes || this.#prefixBytes > MAX_PREFIX_BYTES)
      throw new Error(`a message is longer than the ${this.#maxBytes} bytes allowed`)
    if (byte >= 128) return
    this.#frame = new Uint8Array(this.#length)
    this.#filled = 0
  }

  #fill(frame: Uint8Array, bytes: Uint8Array): number {
    const part = bytes.subarray(0, frame.byteLength - this.#filled)
    frame.set(part, this.#filled)
    this.#filled += part.byteLength
    return part.byteLength
  }

  #emit(frame: Uint8Array, take: (frame: Uint8Array) => void): void {
    this.#frame = null
    this.#length = 0
    this.#prefixBytes = 0
    take(frame)
  }
}

/** `frame` preceded by its length. */
export function framed(frame: Uint8Array): Uint8Array {
  const prefix: number[] = []
  for (let rest = frame.byteLength; ; rest >>>= 7) {
    if (rest < 128) {
      prefix.push(rest)
      break
    }
    prefix.push((rest & 127) | 128)
  }
  const bytes = new Uint8Array(prefix.length + frame.byteLength)
  bytes.set(prefix)
  bytes.set(frame, prefix.length)
  return bytes
}
