/** One scrub that the operator asked for: which files, how far it is, and what it found. */
import { type RelPath } from '../base/brand.ts'
import { type FolderIndex, type ScrubFile } from '../db/index-port.ts'
import { type Amount } from '../sync/scrub-pace.ts'
import { type Outcome } from './file-check.ts'
import { type AfterSpan } from './file-verifier.ts'
import { type ActiveRound } from './scrub-round.ts'

/** Beyond so many, files that could not be read are only counted. */
const MOST_UNREAD = 100

export interface ScrubNowNeeds {
  readonly index: Pick<FolderIndex, 'scrubFiles' | 'scrubFile' | 'counts' | 'rotten'>
  readonly check: (path: RelPath, afterSpan: AfterSpan) => Promise<Outcome>
}

export class ScrubNow {
  /** Null: all files. */
  readonly path: RelPath | null
  running = true
  done: Amount = { files: 0, bytes: 0 }
  /** Files found rotten, and those that were known to be. */
  readonly rot: Set<RelPath>
  readonly unread = new Map<RelPath, string>()
  /** Files that could not be read, and files that somebody was changing: neither is known to be right. */
  unreadFiles = 0
  touchedFiles = 0
  readonly #needs: ScrubNowNeeds

  constructor(path: RelPath | null, needs: ScrubNowNeeds) {
    this.path = path
    this.#needs = needs
    const known = needs.index.rotten().map((file) => file.path)
    this.rot = new Set(known.filter((rotten) => path === null || rotten === path))
  }

  get total(): Amount {
    if (this.path !== null) return { files: 1, bytes: this.#file()?.size ?? 0 }
    const { files, bytes } = this.#needs.index.counts()
    return { files, bytes }
  }

  /** Reads without rests. `round` is told what was read. */
  async run(signal: AbortSignal, round: ActiveRound | null): Promise<void> {
    try {
      for (const file of this.path === null ? this.#needs.index.scrubFiles() : [this.#file()]) {
        if (file !== null) await this.#read(file, signal)
        if (file !== null) round?.didRead(file)
      }
    } finally {
      this.running = false
    }
  }

  async #read(file: ScrubFile, signal: AbortSignal): Promise<void> {
    const { files, bytes } = this.done
    let read = bytes
    const afterSpan: AfterSpan = async (span) => {
      signal.throwIfAborted()
      read += span.bytes
      this.done = { files, bytes: read }
    }
    this.#note(file.path, await this.#needs.check(file.path, afterSpan))
    signal.throwIfAborted()
    this.done = { files: files + 1, bytes: bytes + file.size }
  }

  #note(path: RelPath, outcome: Outcome): void {
    switch (outcome.file) {
      case 'sound':
        return
      case 'rotten':
        return void this.rot.add(path)
      case 'touched':
        this.touchedFiles++
        return
      case 'unreadable':
        this.unreadFiles++
        if (this.unread.size < MOST_UNREAD) this.unread.set(path, outcome.why)
    }
  }

  #file(): ScrubFile | null {
    return this.path === null ? null : this.#needs.index.scrubFile(this.path)
  }
}
