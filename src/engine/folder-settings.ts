/** What the engine needs to know of a folder's config. */
import { type RelPath } from '../base/brand.ts'
import { type FolderKeys } from '../base/secret.ts'
import { type LossLimits } from '../sync/guard.ts'

export interface FolderSettings {
  readonly dir: string
  readonly keys: FolderKeys
  /** Of a secret that is being replaced; what it has signed counts until then (milliseconds since 1970). */
  readonly previous?: { readonly keys: FolderKeys; readonly untilMs: number } | null
  /** Of this host; null: not known. */
  readonly site: string | null
  readonly useArchive: boolean
  readonly overwriteChanges: boolean
  readonly settleMs: number
  /** The order in which files are fetched: 0 first. Absent: all alike. */
  readonly rankOf?: (path: RelPath) => number
  /** Larger files are removed, not archived; null: all are archived. */
  readonly archiveMaxFileBytes: number | null
  /** The brake holds when more than both vanish or are replaced in one go. */
  readonly maxDeleteFiles: number
  readonly maxDeletePercent: number
  /** Null: archived files stay for ever. */
  readonly archiveTtlMs: number | null
  /** All content is read again in so long; absent or null: only when the operator says so. */
  readonly scrubIntervalMs?: number | null
  /** Null: only hints and the operator start scans. */
  readonly rescanIntervalMs: number | null
}

export function lossLimits(settings: FolderSettings): LossLimits {
  return { maxFiles: settings.maxDeleteFiles, maxPercent: settings.maxDeletePercent }
}
