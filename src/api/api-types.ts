/**
 * What the control socket says and takes: the shapes that `status --json`, `where --json` and control panels read.
 * Fields are added, never renamed. Rates are bytes per second, sizes bytes; a name ends in its unit otherwise.
 */
import { z } from 'zod'
import { type Problem } from '../sync/problem.ts'

/** GET /status */
export interface StatusReport {
  readonly version: string
  readonly deviceName: string
  readonly site: string | null
  readonly pid: number
  readonly uptimeS: number
  readonly listeningPort: number
  /** libp2p peer id of this host. */
  readonly peerId: string
  readonly storagePath: string
  readonly folders: readonly FolderReport[]
}

export interface FolderReport {
  /** The root. */
  readonly dir: string
  /** First 8 hexadecimal digits of the folder id. */
  readonly id: string
  readonly mode: 'read-write' | 'read-only'
  readonly state: FolderState
  /** A sentence where the state needs one: why it is paused or halted and what to do; '' otherwise. */
  readonly stateDetail: string
  readonly files: number
  readonly bytes: number
  readonly scan: ScanReport
  readonly scrub: ScrubReport
  /** One line per known host, this one among them. */
  readonly hosts: readonly HostReport[]
  readonly transfers: readonly TransferReport[]
  readonly hashing: readonly HashingReport[]
  readonly problems: readonly Problem[]
  readonly archive: { readonly files: number; readonly bytes: number }
}

/** POST /scrub, one for each folder; and in `status`. Times are milliseconds since 1970. */
export interface ScrubReport {
  readonly folder: string
  /** `scrub_interval_days`; null: only when the operator says so. */
  readonly intervalDays: number | null
  /** The round on its way; null: none, or it has not been taken up again since the start. */
  readonly round: (ScrubProgress & { readonly beganAt: number }) | null
  /** When the last round, or `scrub --now` of all, ended; null: none has. */
  readonly endedAt: number | null
  /** The last `scrub --now` since the start. */
  readonly now: ScrubNowReport | null
  /** Only if a file was asked for. */
  readonly file: { readonly path: string; readonly verifiedAt: number | null; readonly rotten: boolean } | null
}

export interface ScrubProgress {
  readonly files: number
  readonly doneFiles: number
  readonly bytes: number
  readonly doneBytes: number
}

export interface ScrubNowReport extends ScrubProgress {
  /** Null: all files. */
  readonly path: string | null
  readonly running: boolean
  /** Files that have rotted, and what has become of them. */
  readonly rot: readonly { readonly path: string; readonly state: RotState }[]
  /** How many could not be read, and the first of them. */
  readonly unreadFiles: number
  readonly unread: readonly { readonly path: string; readonly why: string }[]
  /** Files that somebody was changing: not judged. */
  readonly touchedFiles: number
}

/** 'waiting': no connected host has what is missing. */
export type RotState = 'healed' | 'healing' | 'waiting'

/** 'paused' resumes by itself (disk full); 'halted' needs the operator. */
export type FolderState = 'scanning' | 'synced' | 'syncing' | 'paused' | 'halted'

export interface ScanReport {
  readonly running: boolean
  /** How long the last whole scan took; null before the first. */
  readonly lastS: number | null
  /** When it ended, milliseconds since 1970; null before the first. */
  readonly at: number | null
}

export interface HostReport {
  /** The line of known_hosts. */
  readonly host: string
  readonly self: boolean
  readonly state: HostState
  /** Why it is not proven, and when the next try is; '' otherwise. */
  readonly why: string
  /** The same for programs, where there is something to say. */
  readonly trouble?: HostTrouble
  readonly deviceName: string | null
  readonly site: string | null
  readonly rttMs: number | null
  readonly receiveRate: number
  readonly sendRate: number
  /** Pieces and messages of this folder, since the daemon started. */
  readonly receivedBytes: number
  readonly sentBytes: number
  /** Whether it has acknowledged all our records and lacks no content; null while unknown. */
  readonly inSync: boolean | null
}

/** 'connected' has not proven the secret yet; 'down' waits for the next try. */
export type HostState = 'self' | 'proven' | 'connected' | 'dialling' | 'down'

/** 'clone': it has the identity or the index of another host, or of this one. 'banned': it, or this host, is shut out. */
export type HostTrouble =
  'unresolved' | 'unreachable' | 'refused' | 'wrong-network-secret' | 'wrong-secret' | 'clone' | 'banned'

export interface TransferReport {
  readonly path: string
  readonly size: number
  readonly doneBytes: number
  readonly rate: number
  /** Null while the rate is unknown or zero. */
  readonly etaS: number | null
  /** Lines of known_hosts that pieces come from. */
  readonly sources: readonly string[]
}

export interface HashingReport {
  readonly path: string
  readonly size: number
  readonly doneBytes: number
}

/** POST /where */
export interface WhereReport {
  readonly path: string
  /** The root of its folder. */
  readonly folder: string
  /** Every known host has it whole, with the same root hash (`isEverywhere`). */
  readonly everywhere: boolean
  readonly hosts: readonly WhereHost[]
}

export interface WhereHost {
  readonly host: string
  /** 'whole': there, verified, and the disk still shows what was verified. */
  readonly state: 'whole' | 'partial' | 'missing' | 'problem' | 'unreachable'
  /** 0 to 100. */
  readonly percent: number
  readonly root: string | null
  /** For people: why not, if not whole; '' otherwise. */
  readonly detail: string
}

/** POST /rescan */
export interface RescanReport {
  /** Roots whose scan has been asked for. */
  readonly folders: readonly string[]
}

/** POST /approve and /discard, one for each folder. */
export interface HeldReport {
  readonly folder: string
  /** Paths that are let go, or come back. */
  readonly paths: number
}

/** POST /new-identity: the daemon starts anew with an identity and an index of its own. */
export interface NewIdentityReport {
  /** The peer id that this host has no longer. */
  readonly formerPeerId: string
}

/** POST /archive/list, one per folder. */
export interface ArchiveListing {
  readonly folder: string
  /** Newest first. */
  readonly files: readonly ArchivedReport[]
}

export interface ArchivedReport {
  /** Path in the archive: what `archive restore` and `archive purge` take. */
  readonly name: string
  /** The path it had. */
  readonly path: string
  readonly size: number
  /** 'unknown': the index that knew it was lost, and no record tells it. */
  readonly reason: 'deleted' | 'replaced' | 'conflict' | 'rotten' | 'unknown'
  /** Milliseconds since 1970. */
  readonly archivedMs: number
  readonly root: string
}

/** POST /archive/restore */
export interface RestoreReport {
  readonly folder: string
  readonly name: string
  /** Where it stands now. */
  readonly path: string
}

/** POST /archive/purge */
export interface PurgeReport {
  readonly folder: string
  readonly files: number
  readonly bytes: number
}

/** Which archived files to remove for good. */
export type PurgeWhat =
  | { readonly what: 'name'; readonly name: string }
  | { readonly what: 'older'; readonly days: number }
  | { readonly what: 'all' }

/** A folder as the operator names it: its dir, the last part of its dir, or the first digits of its id. */
const folder = z.string().min(1).max(4096)
/** As on the command line: relative to the root, or absolute and inside one. 4,096 bytes is PATH_MAX. */
const path = z.string().min(1).max(4096)

export const whereInput = z.strictObject({ folder: folder.optional(), path })
export const rescanInput = z.strictObject({ folder: folder.optional() })
export const newIdentityInput = z.strictObject({})
export const heldInput = z.strictObject({ folder: folder.optional() })
export const approveInput = z.strictObject({ folder: folder.optional(), path: path.optional() })
export const scrubInput = z.strictObject({
  folder: folder.optional(),
  path: path.optional(),
  now: z.boolean().optional(),
})
export const archiveListInput = z.strictObject({ folder: folder.optional() })
export const archiveRestoreInput = z.strictObject({ folder: folder.optional(), name: path, to: path.optional() })
export const archivePurgeInput = z.strictObject({
  folder: folder.optional(),
  what: z.discriminatedUnion('what', [
    z.strictObject({ what: z.literal('name'), name: path }),
    z.strictObject({ what: z.literal('older'), days: z.number().min(0).max(36_500) }),
    z.strictObject({ what: z.literal('all') }),
  ]),
})

/** Every known host has it whole, and all mean the same content. */
export function isEverywhere(hosts: readonly WhereHost[]): boolean {
  const [first] = hosts
  return first !== undefined && hosts.every((h) => h.state === 'whole' && h.root !== null && h.root === first.root)
}
