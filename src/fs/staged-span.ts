/** A span of an open file in staging, used as a file of its own: for what is a part of a larger whole. */
import { type Stat } from '../sync/entry.ts'
import { type StagedFile } from './root.ts'

export class StagedSpan implements StagedFile {
  /** It has none of its own. */
  readonly fd = null
  readonly #file: StagedFile
  readonly #offset: number
  readonly #bytes: number

  constructor(file: StagedFile, span: { readonly offset: number; readonly bytes: number }) {
    this.#file = file
    this.#offset = span.offset
    this.#bytes = span.bytes
  }

  /** As long as it will be, once anything of it has been written. */
  async stat(): Promise<Stat> {
    return { ...(await this.#file.stat()), size: this.dataFrom(0) < this.#bytes ? this.#bytes : 0 }
  }

  read(into: Uint8Array, position: number): Promise<number> {
    return this.#file.read(into, this.#offset + position)
  }

  write(bytes: Uint8Array, position: number): Promise<void> {
    return this.#file.write(bytes, this.#offset + position)
  }

  dataFrom(offset: number): number {
    return this.#file.dataFrom(this.#offset + offset) - this.#offset
  }

  canShare(): boolean {
    return false
  }

  async share(): Promise<boolean> {
    return false
  }

  /** It has its place and its length, and is synced with the whole. */
  async truncate(): Promise<void> {}
  async sync(): Promise<void> {}
  /** The whole stays open. */
  async close(): Promise<void> {}
}
