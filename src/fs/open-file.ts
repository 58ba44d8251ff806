/** An open file of the tree or the archive. */
import { closeSync, constants, fstatSync, openSync } from 'node:fs'
import { assert } from '../base/assert.ts'
import { type Stat } from '../sync/entry.ts'
import { attempt, attemptNow } from './fs-errors.ts'
import { type Leaf } from './handles.ts'
import { FsError, type OpenFile } from './root.ts'
import { statOfOpen } from './stats.ts'
import { closeFile, closeRemoved, readFrom } from './system-calls.ts'

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants

export class DiskOpenFile implements OpenFile {
  readonly #fd: number
  readonly shown: string
  /** Calls under way: the descriptor is closed after the last, or its number could be another file's by then. */
  #busy = 0
  #closed: Promise<void> | null = null
  #idle: (() => void) | null = null

  constructor(fd: number, shown: string) {
    this.#fd = fd
    this.shown = shown
  }

  get fd(): number {
    assert(this.#closed === null, `${this.shown} is used after it was closed`)
    return this.#fd
  }

  async stat(): Promise<Stat> {
    return statOfOpen(this.fd, this.shown)
  }

  read(into: Uint8Array, position: number): Promise<number> {
    return this.during('cannot read it', async (fd) => {
      let done = 0
      while (done < into.byteLength) {
        const bytes = await readFrom(fd, into, done, position + done)
        if (bytes === 0) break
        done += bytes
      }
      return done
    })
  }

  /** Waits for what is under way. More calls of it do nothing. */
  close(): Promise<void> {
    this.#closed ??= this.#whenIdle().then(() => (isRemoved(this.#fd) ? closeRemoved(this.#fd) : closeFile(this.#fd)))
    return this.#closed
  }

  /** Runs `work` on the descriptor, which stays open until it is done. */
  protected async during<T>(doing: string, work: (fd: number) => Promise<T>): Promise<T> {
    const fd = this.fd
    this.#busy++
    try {
      return await attempt(this.shown, doing, () => work(fd))
    } finally {
      if (--this.#busy === 0) this.#idle?.()
    }
  }

  #whenIdle(): Promise<void> {
    return this.#busy === 0 ? Promise.resolve() : new Promise((resolve) => (this.#idle = resolve))
  }
}

/** The last handle of a removed file: closing it frees its blocks, of a large one for seconds. */
function isRemoved(fd: number): boolean {
  try {
    return fstatSync(fd).nlink === 0
  } catch {
    return true // a network filesystem has lost it: nobody knows how long it takes
  }
}

/** Opens a regular file for reading: no link followed, no waiting for the other end of a pipe. */
export function openRegular({ dir, name }: Leaf): DiskOpenFile {
  const shown = dir.showChild(name)
  // Looked at first: merely opening a device can have effects. Looked at again after, by handle: it may be swapped.
  const seen = dir.lstat(name)
  if (seen !== null && seen.kind !== 'file') throw notRegular(shown)
  const fd = attemptNow(shown, 'cannot open it', () => openSync(dir.at(name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK))
  if (statOfOpen(fd, shown).kind === 'file') return new DiskOpenFile(fd, shown)
  closeSync(fd)
  throw notRegular(shown)
}

export function notRegular(shown: string): FsError {
  return new FsError('changed', shown, 'it is not a regular file; it is scanned again')
}
