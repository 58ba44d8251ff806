/**
 * Directories by handle. A path is walked one name at a time, each opened below the handle of the one before
 * (`/proc/self/fd/N/name`, no link followed), so that a directory swapped for a link while we work leads nowhere.
 * Handles are taken with `using`: none is left open, whatever is thrown.
 */
import { closeSync, constants, lstatSync, openSync } from 'node:fs'
import { type Stat } from '../sync/entry.ts'
import { attempt, attemptNow, errnoName, toFsError } from './fs-errors.ts'
import { FsError } from './root.ts'
import { statOf } from './stats.ts'
import { identityOf, SharedSyncs } from './shared-syncs.ts'
import { syncFile } from './system-calls.ts'

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants

const syncs = new SharedSyncs({ syncFile })

export class DirHandle {
  readonly fd: number
  /** The directory as the operator knows it: relative in the tree ('' is the root), absolute elsewhere. */
  readonly shown: string
  readonly #giveBack: (fd: number) => void
  #identity: string | null = null

  constructor(fd: number, shown: string, giveBack: (fd: number) => void = closeSync) {
    this.fd = fd
    this.shown = shown
    this.#giveBack = giveBack
  }

  /** The same directory by the same descriptor, lent to one more. */
  lend(giveBack: () => void): DirHandle {
    const lent = new DirHandle(this.fd, this.shown, giveBack)
    lent.#identity = this.identity
    return lent
  }

  /** Which directory it is, whatever its name. */
  get identity(): string {
    return (this.#identity ??= identityOf(this.fd))
  }

  /** Opens a directory by the path in the config; links on the way there are the operator's own. */
  static open(path: string, shown: string): DirHandle {
    const fd = attemptNow(path, 'cannot open the directory', () => openSync(path, O_RDONLY | O_DIRECTORY))
    return new DirHandle(fd, shown)
  }

  /** The name of a child for a system call. */
  at(name: string): string {
    return `/proc/self/fd/${this.fd}/${name}`
  }

  /** The directory itself for a system call. */
  get self(): string {
    return `/proc/self/fd/${this.fd}`
  }

  /** A child as the operator knows it. */
  showChild(name: string): string {
    return this.shown === '' ? name : `${this.shown}/${name}`
  }

  /** Opens a directory in this one. A link or a file there is 'link-in-the-way', nothing there is 'missing'. */
  enter(name: string): DirHandle {
    try {
      return new DirHandle(openSync(this.at(name), O_RDONLY | O_DIRECTORY | O_NOFOLLOW), this.showChild(name))
    } catch (error) {
      throw toFsError(error, this.showChild(name), 'cannot enter the directory')
    }
  }

  /** What stands under `name`, following no link; null for nothing. */
  lstat(name: string): Stat | null {
    const stats = attemptNow(this.showChild(name), 'cannot look at it', () =>
      lstatSync(this.at(name), { bigint: true, throwIfNoEntry: false }),
    )
    return stats === undefined ? null : statOf(stats)
  }

  /** fsync of the directory: the names in it last. A filesystem that cannot sync directories (EINVAL) has no need. */
  async sync(): Promise<void> {
    await attempt(this.shown, 'cannot write the directory out to disk', async () => {
      await syncs.sync(this.fd, this.identity).catch((error: unknown) => {
        if (errnoName(error) !== 'EINVAL') throw error
      })
    })
  }

  [Symbol.dispose](): void {
    this.#giveBack(this.fd)
  }
}

/** Walks down from `top`, which it closes. The caller closes the result. */
export function descend(top: DirHandle, names: readonly string[]): DirHandle {
  let here = top
  for (const name of names) {
    using above = here
    here = above.enter(name)
  }
  return here
}

/** The same, where nothing being there is null. A file in place of a directory means nothing; a link is trouble. */
export function descendIfThere(top: DirHandle, names: readonly string[]): DirHandle | null {
  let here = top
  for (const name of names) {
    using above = here
    try {
      here = above.enter(name)
    } catch (error) {
      if (isNothing(error) || (isInTheWay(error) && above.lstat(name)?.kind !== 'link')) return null
      throw error
    }
  }
  return here
}

/** A name in an open directory. */
export interface Leaf {
  readonly dir: DirHandle
  readonly name: string
}

export function isNothing(error: unknown): boolean {
  return error instanceof FsError && error.code === 'missing'
}

function isInTheWay(error: unknown): boolean {
  return error instanceof FsError && error.code === 'link-in-the-way'
}
