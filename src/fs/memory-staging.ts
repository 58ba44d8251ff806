/** Staging of MemoryRoot: the directory .sync/staging of its disk. */
import { type RootHash } from '../base/brand.ts'
import { fsError } from './fs-errors.ts'
import { type MemoryDisk, type MemoryFile, type MemoryPlace, sync } from './memory-disk.ts'
import { type FileOp, MemoryStagedFile } from './memory-file.ts'
import { type Staged } from './root.ts'

const STAGING = ['.sync', 'staging']

export interface MemoryStagingNeeds {
  readonly disk: () => MemoryDisk
  /** Throws the FsError that the test wants. */
  readonly check: (op: FileOp, path: string) => void
  readonly reserve: (bytes: number, path: string) => void
}

export class MemoryStaging {
  readonly #needs: MemoryStagingNeeds
  /** Files that were opened and are not published, with their names. */
  readonly #open = new Map<MemoryStagedFile, RootHash>()
  /** Contents whose sync failed: never to be trusted again. */
  readonly #failed = new Set<RootHash>()

  constructor(needs: MemoryStagingNeeds) {
    this.#needs = needs
  }

  open(root: RootHash): MemoryStagedFile {
    const place = this.#place(root)
    if (!place.dir.children.has(root)) this.#needs.disk().put(place, this.#needs.disk().newFile())
    const name = () => this.#open.get(file) ?? root
    const file: MemoryStagedFile = new MemoryStagedFile(this.#file(place), {
      disk: this.#needs.disk(),
      check: (op) => this.#check(op, name()),
      reserve: (bytes) => this.#needs.reserve(bytes, name()),
    })
    this.#open.set(file, root)
    return file
  }

  rename(from: RootHash, to: RootHash): void {
    const file = this.#file(this.#place(from))
    this.#needs.disk().take(this.#place(from))
    this.#needs.disk().put(this.#place(to), file)
    for (const [open, name] of this.#open) if (name === from) this.#open.set(open, to)
    this.#failed.delete(to)
    if (this.#failed.delete(from)) this.#failed.add(to)
  }

  /** Anew, whatever of it lies there. */
  write({ root, bytes }: Exclude<Staged, RootHash>): void {
    this.#needs.check('write', root)
    this.drop(root)
    this.open(root).fill(bytes)
  }

  list(): RootHash[] {
    return [...this.#needs.disk().directory(STAGING, true).children.keys()].sort() as RootHash[]
  }

  drop(root: RootHash): void {
    this.#needs.disk().take(this.#place(root))
    this.#failed.delete(root)
  }

  /** A whole content, stamped and synced; nobody can write to it any more. What cannot be synced is thrown away. */
  seal(root: RootHash, mtimeUs: number): MemoryFile {
    if (this.#failed.has(root)) {
      this.drop(root)
      throw fsError('io', root, 'it could not be written out to disk; it is fetched again')
    }
    const file = this.#file(this.#place(root))
    for (const [open, name] of this.#open) {
      if (name !== root) continue
      open.seal()
      this.#open.delete(open)
    }
    this.#needs.disk().changed(file, mtimeUs)
    this.#syncOrDrop(root, file)
    return file
  }

  #syncOrDrop(root: RootHash, file: MemoryFile): void {
    try {
      this.#needs.check('sync', root)
    } catch (error) {
      this.drop(root)
      throw error
    }
    sync(file)
  }

  #check(op: FileOp, root: RootHash): void {
    try {
      this.#needs.check(op, root)
    } catch (error) {
      if (op === 'sync') this.#failed.add(root)
      throw error
    }
  }

  #place(root: RootHash): MemoryPlace {
    return { dir: this.#needs.disk().directory(STAGING, true), name: root, path: root }
  }

  #file(place: MemoryPlace): MemoryFile {
    const node = place.dir.children.get(place.name)
    if (node?.kind !== 'file') throw fsError('missing', place.path, 'cannot open the staged file')
    return node
  }
}
