/**
 * The local half of a folder, put together: from noticing a change on this disk to the record that says so.
 *
 *   watcher, timer, operator -> noticing -> scanner -> local changes -> committer -> `announced`
 */
import { type RelPath } from '../base/brand.ts'
import { type Clock } from '../base/clock.ts'
import { type Log } from '../base/log.ts'
import { type FolderIndex } from '../db/index-port.ts'
import { type OldFile, type OpenFile, type Root } from '../fs/root.ts'
import { type Hasher } from '../scan/hasher.ts'
import { type Scanner } from '../scan/scanner.ts'
import { type Sighting } from '../scan/sighting.ts'
import { Brake, type HeldAs, type Loss } from './brake.ts'
import { type Committer } from './committer.ts'
import { Deletions } from './deletions.ts'
import { FileTaker } from './file-taker.ts'
import { type FolderSettings, lossLimits } from './folder-settings.ts'
import { LocalChanges } from './local-changes.ts'
import { LocalRecords } from './local-records.ts'
import { Noticing } from './noticing.ts'
import { Overwrites } from './overwrites.ts'
import { type PathLocks } from './path-locks.ts'
import { type ProblemList } from './problem-list.ts'
import { type RecentContents } from './recent-contents.ts'
import { RefusedChanges } from './refused-changes.ts'
import { type RootGuard } from './root-guard.ts'
import { Settling } from './settling.ts'
import { SolvedProblems } from './solved-problems.ts'
import { type ToldStretches } from './told-stretches.ts'

export interface LocalSideNeeds {
  readonly settings: () => FolderSettings
  readonly disk: Root
  readonly index: FolderIndex
  readonly committer: Committer
  readonly locks: PathLocks
  readonly problems: ProblemList
  readonly recent: RecentContents
  readonly guard: RootGuard
  readonly claim: () => Promise<string | null>
  readonly hasher: Pick<Hasher, 'hash'>
  readonly stretches: ToldStretches
  readonly scanner: Pick<Scanner, 'scanAll' | 'scanPath' | 'isAsKnown'>
  readonly hasWriters: (file: OpenFile) => boolean | null
  readonly oldFile: (size: number) => OldFile
  readonly isHalted: () => boolean
  readonly halted: (why: string) => void
  readonly sound: () => void
  readonly scanned: () => void
  readonly announced: (paths: readonly RelPath[]) => void
  /** What lies there may have rotted. */
  readonly suspect: (path: RelPath) => void
  readonly clock: Clock
  readonly log: Log
}

/** Losses that are not announced before the operator has spoken. */
const HELD: Record<Loss, HeldAs> = {
  deleted: {
    kind: 'held-deletions',
    sentence: (held, files) =>
      `${held} of ${files} files vanished from this host in one go: not announced to the others. If that was meant, say \`isosyncd approve\`; if not, \`isosyncd discard\` fetches them back`,
  },
  replaced: {
    kind: 'held-overwrites',
    sentence: (held, files) =>
      `${held} of ${files} files were given another content on this host in one go: not announced to the others, who keep what was there. If that was meant, say \`isosyncd approve\`; if not, \`isosyncd discard\` fetches back what was there`,
  },
}

export class LocalSide {
  readonly noticing: Noticing
  readonly changes: LocalChanges
  readonly taker: FileTaker
  readonly brake: Brake
  readonly deletions: Deletions
  readonly overwrites: Overwrites
  readonly #solved: SolvedProblems
  readonly #needs: LocalSideNeeds

  constructor(needs: LocalSideNeeds) {
    this.#needs = needs
    const { settings, disk, index, guard, clock, log } = needs
    const { keys } = settings()
    const rootIsSound = async () => {
      if ((await guard.trouble()) === null) return true
      void this.noticing.rescan() // halts the folder, and looks when the root is back
      return false
    }
    const lookAgain = (path: RelPath) => this.noticing.hint(path)
    const settling = new Settling({ settleMs: () => settings().settleMs, clock, lookAgain })
    this.#solved = new SolvedProblems(needs)
    this.taker = new FileTaker({ ...needs, settling })
    const records = new LocalRecords({ folder: keys.id, sign: keys.sign }, { index, clock })
    const refused = new RefusedChanges({
      ...needs,
      records,
      lookAgain,
      overwriteChanges: () => settings().overwriteChanges,
    })
    const files = () => index.counts().files
    this.brake = new Brake(HELD, { ...needs, limits: () => lossLimits(settings()), files })
    this.deletions = new Deletions({
      ...needs,
      records,
      lookAgain,
      isComing: (inode) => settling.hasInode(inode) || this.changes.hasInode(inode),
      brake: this.brake,
      files,
      refused,
      rootIsSound,
    })
    this.overwrites = new Overwrites({
      ...needs,
      records,
      brake: this.brake,
      announce: (overwrite) => this.changes.announce(overwrite),
      lookAgain,
    })
    this.changes = new LocalChanges({
      ...needs,
      disk,
      records,
      taker: this.taker,
      settling,
      deletions: this.deletions,
      overwrites: this.overwrites,
      refused,
      lookAgain,
      rootIsSound,
    })
    this.noticing = new Noticing(
      { intervalMs: () => settings().rescanIntervalMs },
      {
        ...needs,
        sighted: (sighting) => this.#sighted(sighting),
        halted: (why) => {
          needs.halted(why)
          this.changes.halted()
        },
        room: (signal) => this.changes.room(signal),
        vanished: (path) => this.changes.vanished(path),
        quiet: (path) => this.#solved.quiet(path),
        scanning: () => this.#solved.begin(),
        scanned: () => {
          this.#solved.end()
          void this.deletions.recheckHeld()
          needs.scanned()
        },
        rootTrouble: async () => (await guard.trouble()) ?? (await needs.claim()),
        log,
      },
    )
  }

  async close(): Promise<void> {
    await this.noticing.close()
    await this.changes.close()
  }

  /** What is seen while the folder is halted is not to be believed. */
  #sighted(sighting: Sighting): void {
    if (this.#needs.isHalted()) return
    this.#solved.sighted(sighting)
    this.changes.sighted(sighting)
  }
}
