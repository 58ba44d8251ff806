/**
 * Writes what is signed, part by part, each with its length before it (record-bytes.ts), into a buffer that is used
 * again: as an array for each part it cost as much as the signature.
 */

const FIRST_BYTES = 1_024
const encoder = new TextEncoder()

export class ByteWriter {
  #bytes = new Uint8Array(FIRST_BYTES)
  #view = new DataView(this.#bytes.buffer)
  #at = 0

  /** All that was written since the last call, as a copy. */
  take(): Uint8Array {
    const taken = this.#bytes.slice(0, this.#at)
    this.#at = 0
    return taken
  }

  u32(value: number): void {
    this.#reserve(4)
    this.#view.setUint32(this.#at, value, true)
    this.#at += 4
  }

  i64(value: number): void {
    if (!Number.isSafeInteger(value))
      this.#refuse(`a record holds ${value}, which is no whole number that can be kept exactly`)
    this.#reserve(8)
    this.#view.setBigInt64(this.#at, BigInt(value), true)
    this.#at += 8
  }

  text(value: string): void {
    this.#reserve(4 + value.length * 3) // UTF-8 has at most three bytes for a UTF-16 unit
    const { written } = encoder.encodeInto(value, this.#bytes.subarray(this.#at + 4))
    this.u32(written)
    this.#at += written
  }

  hex(digits: string): void {
    const bytes = digits.length / 2
    this.#reserve(4 + digits.length)
    this.u32(bytes)
    for (let i = 0; i < digits.length; i += 2) {
      const high = digitOf(digits.charCodeAt(i))
      const low = digitOf(digits.charCodeAt(i + 1))
      if (high < 0 || low < 0) this.#refuse(`${JSON.stringify(digits)} is no lower-case hexadecimal id`)
      this.#bytes[this.#at++] = high * 16 + low
    }
  }

  /** Our bug: what was written so far is of no use to the next. */
  #refuse(why: string): never {
    this.#at = 0
    throw new Error(`isosyncd bug: ${why}`)
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return
    const larger = new Uint8Array(2 * (this.#at + bytes))
    larger.set(this.#bytes.subarray(0, this.#at))
    this.#bytes = larger
    this.#view = new DataView(larger.buffer)
  }
}

/** -1 for what is none; NaN, of a missing second digit, too. */
function digitOf(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  return code >= 0x61 && code <= 0x66 ? code - 0x61 + 10 : -1
}
