/** Checks one file: reads it again, begins to heal it if it has rotted, and keeps when it was found right. */
import { type RelPath } from '../base/brand.ts'
import { type Clock } from '../base/clock.ts'
import { type Log } from '../base/log.ts'
import { type Change, type FolderIndex } from '../db/index-port.ts'
import { type AfterSpan, type FileVerifier } from './file-verifier.ts'
import { type Healer } from './healer.ts'
import { type ProblemList } from './problem-list.ts'

/** A commit waits for the disk: a million small files must not wait a million times. */
const MOST_UNCOMMITTED = 100

export type Outcome =
  | { readonly file: 'sound' | 'rotten' }
  /** Somebody changes it, or it has gone: not to be judged. */
  | { readonly file: 'touched' }
  | { readonly file: 'unreadable'; readonly why: string }

export interface FileCheckNeeds {
  readonly verifier: Pick<FileVerifier, 'verify'>
  readonly healer: Pick<Healer, 'heal'>
  readonly index: Pick<FolderIndex, 'commit'>
  readonly problems: ProblemList
  /** The disk shows something else than the index knows at this path. */
  readonly rescan: (path: RelPath) => void
  readonly clock: Pick<Clock, 'now'>
  readonly log: Log
}

export class FileCheck {
  readonly #needs: FileCheckNeeds
  #uncommitted: Change[] = []

  constructor(needs: FileCheckNeeds) {
    this.#needs = needs
  }

  /** Rejects with what `afterSpan` throws, or when `signal` is aborted. */
  async check(path: RelPath, afterSpan: AfterSpan, signal: AbortSignal): Promise<Outcome> {
    const verdict = await this.#needs.verifier.verify(path, afterSpan)
    switch (verdict.found) {
      case 'sound':
        this.#sound(path, { op: 'verified', path, root: verdict.entry.root, atMs: this.#needs.clock.now() })
        return { file: 'sound' }
      case 'rot':
        return { file: (await this.#needs.healer.heal(verdict, signal)) ? 'rotten' : 'touched' }
      case 'other':
        this.#needs.rescan(path)
        return { file: 'touched' }
      case 'unreadable':
        this.#needs.problems.set(
          'unreadable',
          path,
          `${verdict.why}; it could not be scrubbed, the next round tries again`,
        )
        return { file: 'unreadable', why: verdict.why }
    }
  }

  /** Commits what has been gathered. If that fails, the files are read once more: no harm. */
  flush(): void {
    const changes = this.#uncommitted
    this.#uncommitted = []
    try {
      this.#needs.index.commit(changes)
    } catch (error) {
      this.#needs.log.warn(
        { err: error },
        `could not keep that ${changes.length} files were found right: they are read again`,
      )
    }
  }

  #sound(path: RelPath, change: Change): void {
    this.#needs.problems.clear(path, 'unreadable')
    this.#uncommitted.push(change)
    if (this.#uncommitted.length >= MOST_UNCOMMITTED) this.flush()
  }
}
