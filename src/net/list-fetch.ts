/** One call of fetchPieceList under way. */
import { PieceRefused } from './peer-port.ts'
import { ProtocolError } from './record-codec.ts'

export class ListFetch {
  readonly #maxBytes: number
  readonly #ended: (result: Uint8Array | Error) => void
  #list: Uint8Array | null = null
  #filled = 0
  #over = false

  constructor(options: { maxBytes: number }, needs: { ended: (result: Uint8Array | Error) => void }) {
    this.#maxBytes = options.maxBytes
    this.#ended = needs.ended
  }

  get over(): boolean {
    return this.#over
  }

  /** The list has so many bytes: checked before they are allocated. */
  begins(bytes: number): void {
    if (this.#list !== null) throw new ProtocolError('a piece list that begins twice')
    if (bytes > this.#maxBytes)
      throw new ProtocolError(`a piece list of ${bytes} bytes, where ${this.#maxBytes} are possible`)
    this.#list = new Uint8Array(bytes)
    this.#endIfFull(this.#list)
  }

  bytes(bytes: Uint8Array): void {
    const list = this.#list
    if (list === null || this.#filled + bytes.byteLength > list.byteLength)
      throw new ProtocolError('more bytes than the piece list has')
    list.set(bytes, this.#filled)
    this.#filled += bytes.byteLength
    this.#endIfFull(list)
  }

  refused(): void {
    this.fail(new PieceRefused('the peer does not have that piece list'))
  }

  fail(error: Error): void {
    if (this.#over) return
    this.#over = true
    this.#ended(error)
  }

  #endIfFull(list: Uint8Array): void {
    if (this.#over || this.#filled < list.byteLength) return
    this.#over = true
    this.#ended(list)
  }
}
