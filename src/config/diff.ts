/** What a config that was changed while the daemon runs comes to: what counts at once, and what waits for a restart. */
import { inspect } from 'node:util'
import { type Config, type FolderConfig } from './config.ts'

/** Fields of Config that may change while the daemon runs. */
const LIVE = [
  'rescanIntervalMs',
  'downloadBytesPerSecond',
  'uploadBytesPerSecond',
  'limitLocalPeers',
  'limits',
  'archiveTtlMs',
  'archiveMaxFileBytes',
] as const satisfies readonly (keyof Config)[]

/** Fields of FolderConfig that may change while the daemon runs. */
const LIVE_IN_FOLDER = [
  'knownHosts',
  'settleMs',
  'priorities',
  'useArchive',
  'overwriteChanges',
  'minFreeBytes',
  'maxDeleteFiles',
  'maxDeletePercent',
  'scrubIntervalMs',
] as const satisfies readonly (keyof FolderConfig)[]

/** The key of the config file behind each field, for people. */
const keyOf = {
  file: 'the config file',
  deviceName: 'device_name',
  listeningPort: 'listening_port',
  pidFile: 'pid_file',
  storagePath: 'storage_path',
  site: 'site',
  knownHostsOnly: 'known_hosts_only',
  networkSecret: 'network_secret',
  rescanIntervalMs: 'folder_rescan_interval',
  downloadBytesPerSecond: 'download_limit',
  uploadBytesPerSecond: 'upload_limit',
  limitLocalPeers: 'rate_limit_local_peers',
  limits: 'limits',
  diskLowPriority: 'disk_low_priority',
  archiveTtlMs: 'sync_trash_ttl',
  archiveMaxFileBytes: 'max_file_size_for_versioning',
  folders: 'shared_folders',
} as const satisfies Record<keyof Config, string>

const folderKeyOf = {
  dir: 'dir',
  keys: 'secret',
  knownHosts: 'known_hosts',
  metaDir: 'meta_dir',
  useArchive: 'use_sync_trash',
  overwriteChanges: 'overwrite_changes',
  settleMs: 'settle_seconds',
  priorities: 'priorities',
  uid: 'owner',
  gid: 'group',
  fileMode: 'file_mode',
  dirMode: 'dir_mode',
  minFreeBytes: 'min_free_space',
  maxDeleteFiles: 'max_delete_files',
  maxDeletePercent: 'max_delete_percent',
  scrubIntervalMs: 'scrub_interval_days',
  previous: 'previous_secret',
} as const satisfies Record<keyof FolderConfig, string>

export interface ConfigDiff {
  /** Keys that count from now on, such as `upload_limit` or `known_hosts of /srv/iso`. */
  readonly now: readonly string[]
  /** Keys that need a restart of the daemon. */
  readonly afterRestart: readonly string[]
  /** The running config with what counts from now on. Its folders are those of the running one, in their order. */
  readonly effective: Config
}

/** Compares the running config with the one just loaded. */
export function diffConfig(running: Config, loaded: Config): ConfigDiff {
  const now: string[] = []
  const afterRestart: string[] = []
  for (const field of fieldsThatDiffer(running, loaded)) {
    if (field !== 'folders') (includes(LIVE, field) ? now : afterRestart).push(keyOf[field])
  }
  const folders = running.folders.map((folder) => {
    const other = loaded.folders.find((f) => f.keys.id === folder.keys.id)
    if (other === undefined) {
      afterRestart.push(`shared_folders: ${folder.dir} is gone`)
      return folder
    }
    for (const field of fieldsThatDiffer(folder, other)) {
      ;(includes(LIVE_IN_FOLDER, field) ? now : afterRestart).push(`${folderKeyOf[field]} of ${folder.dir}`)
    }
    return { ...folder, ...pick(other, LIVE_IN_FOLDER) }
  })
  for (const folder of loaded.folders) {
    if (!running.folders.some((f) => f.keys.id === folder.keys.id))
      afterRestart.push(`shared_folders: ${folder.dir} is new`)
  }
  return { now, afterRestart, effective: { ...running, ...pick(loaded, LIVE), folders } }
}

function fieldsThatDiffer<T extends object>(one: T, other: T): (keyof T)[] {
  return (Object.keys(one) as (keyof T)[]).filter((field) => !same(one[field], other[field]))
}

function same(one: unknown, other: unknown): boolean {
  return fingerprint(one) === fingerprint(other)
}

/** Values as text that shows what counts: a secret by itself (never printed), folder keys by id and kind. */
function fingerprint(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if ('reveal' in value) return JSON.stringify((value as { reveal(): unknown }).reveal())
  if ('verify' in value) return `${(value as FolderConfig['keys']).id} ${(value as FolderConfig['keys']).sign === null}`
  return inspect(value, { depth: null, maxArrayLength: null, breakLength: Infinity })
}

function includes<T>(list: readonly T[], value: unknown): boolean {
  return list.includes(value as T)
}

function pick<T, K extends keyof T>(from: T, fields: readonly K[]): Pick<T, K> {
  return Object.fromEntries(fields.map((field) => [field, from[field]])) as Pick<T, K>
}
