/**
 * One sync of the whole filesystem (syncfs) for many small files that wait for theirs: a journal is then written out once
 * for all of them, and not for each few that threads can wait for. Where only few wait, or the filesystem takes long
 * because others write to it too, each file is synced by itself.
 *
 * An error that came since a descriptor was opened is told by a syncfs on it, so it is made on the one that was opened
 * first of all: none can have been lost before.
 */
import { release } from 'node:os'
import * as native from '../base/native.ts'
import { syncFile } from './system-calls.ts'

/** As many as threads wait for at a time, and a few. */
const LEAST_IN_GROUP = 8
/** Longer than a journal takes: there is much else to be written out, */
const SLOW_MS = 500
/** and for so many groups that is left to those whose it is. */
const PENALTY_GROUPS = 32

interface Waiting {
  readonly fd: number
  readonly ticket: number
  readonly done: PromiseWithResolvers<void>
}

export interface GroupSyncsNeeds {
  readonly syncFile: (fd: number) => Promise<void>
  /** Null where it is not to be had, or does not tell of errors. */
  readonly syncFilesystem: ((fd: number) => Promise<void>) | null
  readonly elapsed: () => number
}

export class GroupSyncs {
  readonly #needs: GroupSyncsNeeds
  #tickets = 0
  #waiting: Waiting[] = []
  #isGathering = false
  /** Groups that are still to be synced file by file. */
  #penalty = 0
  #running: Promise<void> = Promise.resolve()

  constructor(needs: GroupSyncsNeeds) {
    this.#needs = needs
  }

  /** To be taken before a file is opened. */
  ticket(): number {
    return this.#tickets++
  }

  /** Resolves when the file is on the disk. It stays open until then. */
  sync(fd: number, ticket: number): Promise<void> {
    const done = Promise.withResolvers<void>()
    this.#waiting.push({ fd, ticket, done })
    if (!this.#isGathering) void this.#gather()
    return done.promise
  }

  /** What comes while a group is on its way is the next group. */
  async #gather(): Promise<void> {
    this.#isGathering = true
    await this.#running
    await new Promise((resolve) => setImmediate(resolve))
    this.#isGathering = false
    const group = this.#waiting
    this.#waiting = []
    const { syncFilesystem } = this.#needs
    if (group.length < LEAST_IN_GROUP || syncFilesystem === null) return this.#each(group)
    if (this.#penalty > 0) {
      this.#penalty--
      return this.#each(group)
    }
    this.#running = this.#together(group, syncFilesystem)
  }

  #each(group: readonly Waiting[]): void {
    for (const { fd, done } of group) this.#needs.syncFile(fd).then(done.resolve, done.reject)
  }

  async #together(group: readonly Waiting[], syncFilesystem: (fd: number) => Promise<void>): Promise<void> {
    const first = group.reduce((a, b) => (b.ticket < a.ticket ? b : a))
    const before = this.#needs.elapsed()
    try {
      await syncFilesystem(first.fd)
      for (const { done } of group) done.resolve()
    } catch (error) {
      for (const { done } of group) done.reject(error)
    }
    if (this.#needs.elapsed() - before > SLOW_MS) this.#penalty = PENALTY_GROUPS
  }
}

/** As this kernel can: before Linux 5.8 syncfs told nobody of bytes that could not be written. */
export function diskSyncs(): GroupSyncs {
  const [major = 0, minor = 0] = release().split('.').map(Number)
  const tells = major > 5 || (major === 5 && minor >= 8)
  const syncFilesystem = tells && native.canSyncFilesystem() ? native.syncFilesystem : null
  return new GroupSyncs({ syncFile, syncFilesystem, elapsed: () => performance.now() })
}
