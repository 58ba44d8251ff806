/** Open files of MemoryRoot. */
import { assert } from '../base/assert.ts'
import { type Stat } from '../sync/entry.ts'
import { type MemoryDisk, type MemoryFile, statOfNode, sync } from './memory-disk.ts'
import { type OpenFile, type StagedFile } from './root.ts'

/** What can fail on an open file. */
export type FileOp = 'read' | 'write' | 'truncate' | 'sync'

export interface MemoryFileNeeds {
  readonly disk: MemoryDisk
  /** Throws the FsError that the test wants. */
  readonly check: (op: FileOp) => void
  /** Throws 'no-space' when so many more bytes do not fit. */
  readonly reserve: (bytes: number) => void
}

export class MemoryOpenFile implements OpenFile {
  readonly fd = null
  protected readonly file: MemoryFile
  protected readonly needs: MemoryFileNeeds
  #open = true

  constructor(file: MemoryFile, needs: MemoryFileNeeds) {
    this.file = file
    this.needs = needs
  }

  async stat(): Promise<Stat> {
    this.checkOpen()
    return statOfNode(this.file)
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    this.checkOpen()
    this.needs.check('read')
    const part = this.file.bytes.subarray(position, position + into.byteLength)
    into.set(part)
    return part.byteLength
  }

  async close(): Promise<void> {
    this.#open = false
  }

  protected checkOpen(): void {
    assert(this.#open, 'a file is used after it was closed')
  }
}

export class MemoryStagedFile extends MemoryOpenFile implements StagedFile {
  #sealed = false

  seal(): void {
    this.#sealed = true
  }

  async write(bytes: Uint8Array, position: number): Promise<void> {
    this.#checkWritable('write')
    if (position + bytes.byteLength > this.file.bytes.byteLength) this.#resize(position + bytes.byteLength)
    this.file.bytes.set(bytes, position)
    this.needs.disk.changed(this.file)
  }

  /** The whole content in one step. */
  fill(bytes: Uint8Array): void {
    this.#resize(bytes.byteLength)
    this.file.bytes.set(bytes)
    this.needs.disk.changed(this.file)
  }

  async truncate(size: number): Promise<void> {
    this.#checkWritable('truncate')
    if (size !== this.file.bytes.byteLength) this.#resize(size)
    this.needs.disk.changed(this.file)
  }

  /** Like a filesystem that does not know. */
  dataFrom(offset: number): number {
    this.checkOpen()
    return offset
  }

  /** Like a filesystem that cannot: what is shared is checked and copied the same way in the end. */
  canShare(): boolean {
    return false
  }

  async share(): Promise<boolean> {
    return false
  }

  async sync(): Promise<void> {
    this.checkOpen()
    this.needs.check('sync')
    sync(this.file)
  }

  #checkWritable(op: FileOp): void {
    this.checkOpen()
    assert(!this.#sealed, 'a staged file is written to after it was published')
    this.needs.check(op)
  }

  #resize(size: number): void {
    this.needs.reserve(size - this.file.bytes.byteLength)
    const bytes = new Uint8Array(size)
    bytes.set(this.file.bytes.subarray(0, size))
    this.file.bytes = bytes
  }
}
