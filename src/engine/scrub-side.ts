/**
 * What keeps the content of a folder right, put together: from re-reading a file to fetching what has rotted of it.
 *
 *   round, operator, a bad piece -> scrubber -> file check -> verifier -> healer -> `lost` -> applier
 */
import { type RelPath, type RootHash } from '../base/brand.ts'
import { type Clock } from '../base/clock.ts'
import { type Log } from '../base/log.ts'
import { type ContentPlace, type FolderIndex } from '../db/index-port.ts'
import { type Root } from '../fs/root.ts'
import { type Hasher } from '../scan/hasher.ts'
import { InlineChecker, type PieceChecker } from '../scan/piece-checker.ts'
import { type Committer } from './committer.ts'
import { FileCheck } from './file-check.ts'
import { FileVerifier } from './file-verifier.ts'
import { type FolderSettings } from './folder-settings.ts'
import { Healer } from './healer.ts'
import { type PathLocks } from './path-locks.ts'
import { type ProblemList } from './problem-list.ts'
import { Scrubber } from './scrubber.ts'

export interface ScrubSideNeeds {
  readonly settings: () => FolderSettings
  readonly disk: Pick<Root, 'open' | 'stat'>
  readonly index: FolderIndex
  readonly committer: Committer
  readonly locks: PathLocks
  readonly problems: ProblemList
  readonly hasher: Pick<Hasher, 'hash'>
  /** Absent: files are re-read in this thread. */
  readonly checker?: PieceChecker
  readonly isHalted: () => boolean
  /** The path no longer holds this content, or again: fetch it, and tell those who want it. */
  readonly lost: (path: RelPath, root: RootHash) => void
  /** The disk shows something else than the index knows at this path. */
  readonly rescan: (path: RelPath) => void
  /** A place in another folder of this host is not what the index says. */
  readonly suspectElsewhere?: (place: ContentPlace) => void
  readonly clock: Clock
  readonly log: Log
}

export class ScrubSide {
  readonly scrubber: Scrubber
  readonly #needs: ScrubSideNeeds

  constructor(needs: ScrubSideNeeds) {
    this.#needs = needs
    const { settings, clock } = needs
    const checker = needs.checker ?? new InlineChecker({ elapsed: () => clock.elapsed() })
    const check = new FileCheck({
      ...needs,
      verifier: new FileVerifier({ ...needs, checker }),
      healer: new Healer(needs),
    })
    this.scrubber = new Scrubber(
      { intervalMs: () => settings().scrubIntervalMs ?? null },
      { ...needs, check, rest: () => checker.rest() },
    )
  }

  /** What lies there was not what the index says: looks whether it has rotted. */
  suspect(place: ContentPlace): void {
    if (place.folder !== this.#needs.settings().keys.id) this.#needs.suspectElsewhere?.(place)
    else if (place.in === 'tree') this.scrubber.suspect(place.entry.path)
  }

  /** The file at this path is known to have rotted, and is not healed yet. */
  isRotten(path: RelPath): boolean {
    return this.#needs.index.rotten().some((file) => file.path === path)
  }
}
