/** What `status` and `scrub` show of scrubbing and of files that have rotted: read from the folder's parts, kept nowhere. */
import { type RelPath } from '../base/brand.ts'
import { type RotState, type ScrubNowReport, type ScrubProgress, type ScrubReport } from '../api/api-types.ts'
import { type FolderIndex, type RottenFile } from '../db/index-port.ts'
import { type Problem } from '../sync/problem.ts'
import { type Amount } from '../sync/scrub-pace.ts'
import { rotInWords } from './healer.ts'
import { type PoolFolder } from './pool-folder.ts'
import { type ScrubNow } from './scrub-now.ts'

const MS_PER_DAY = 86_400_000

export interface ScrubReportNeeds {
  readonly folder: PoolFolder
  readonly index: Pick<FolderIndex, 'scrubRound' | 'scrubFile' | 'rotten'>
}

export function scrubReport({ folder, index }: ScrubReportNeeds, path: RelPath | null): ScrubReport {
  const { scrubber } = folder.scrub
  const intervalMs = folder.settings.scrubIntervalMs ?? null
  const { round, now } = scrubber
  const file = path === null ? null : index.scrubFile(path)
  return {
    folder: folder.settings.dir,
    intervalDays: intervalMs === null ? null : intervalMs / MS_PER_DAY,
    round: round === null ? null : { beganAt: round.beganMs, ...progress(round.progress(intervalMs ?? 0)) },
    endedAt: index.scrubRound().endedMs,
    now: now === null ? null : nowReport(folder, index, now),
    file:
      file === null ? null : { path: file.path, verifiedAt: file.verifiedMs, rotten: folder.scrub.isRotten(file.path) },
  }
}

/** A file that has rotted stays on show until it is healed. */
export function rotProblems(folder: PoolFolder, index: Pick<FolderIndex, 'rotten'>): readonly Problem[] {
  return index.rotten().map((file) => ({
    kind: 'rotten',
    path: file.path,
    detail: `${rotInWords(file.path, file.badPieces, file.pieces)}. ${next(folder, file)}`,
  }))
}

function next(folder: PoolFolder, { path }: RottenFile): string {
  if (isComing(folder, path))
    return 'What is missing is being fetched from another host, and the rotten copy goes to the archive'
  return `No connected host has what is missing: it is fetched as soon as one has. Or put the right file in its place; if it is good as it is, say \`isosyncd approve ${path}\``
}

function nowReport(folder: PoolFolder, index: Pick<FolderIndex, 'rotten'>, now: ScrubNow): ScrubNowReport {
  const rotten = new Set(index.rotten().map((file) => file.path))
  const stateOf = (path: RelPath): RotState => {
    if (!rotten.has(path)) return 'healed'
    return isComing(folder, path) ? 'healing' : 'waiting'
  }
  return {
    path: now.path,
    running: now.running,
    ...progress(now),
    rot: [...now.rot].map((path) => ({ path, state: stateOf(path) })),
    unreadFiles: now.unreadFiles,
    unread: [...now.unread].map(([path, why]) => ({ path, why })),
    touchedFiles: now.touchedFiles,
  }
}

/** True while what is missing of the file comes, or waits for its turn. */
function isComing(folder: PoolFolder, path: RelPath): boolean {
  const { downloader, wanted } = folder.remote
  const root = wanted.rootFor(path)
  if (root === null) return false
  const transfer = downloader.transfers().find((t) => t.root === root)
  if (transfer?.picker === null || transfer === undefined) return folder.peers().length > 0
  return transfer.picker.isOffered
}

function progress({ done, total }: { readonly done: Amount; readonly total: Amount }): ScrubProgress {
  return {
    files: total.files,
    doneFiles: Math.min(done.files, total.files),
    bytes: total.bytes,
    doneBytes: Math.min(done.bytes, total.bytes),
  }
}
