/**
 * The config as the daemon uses it: checked, complete, with units in the names. Made by `loadConfig` (load.ts) only.
 * README, "Config", says what each key means.
 */
import { type HostName } from '../base/brand.ts'
import { type Redacted } from '../base/redacted.ts'
import { type FolderKeys } from '../base/secret.ts'
import { type TimedLimit } from '../sync/timed-limit.ts'

export interface Config {
  /** The file it came from, absolute. */
  readonly file: string
  /** `device_name`; the machine's host name if not given. */
  readonly deviceName: string
  /** `listening_port`, TCP. */
  readonly listeningPort: number
  /** `pid_file`, absolute. Its directory may have to be made. */
  readonly pidFile: string | null
  /** `storage_path`, absolute: identity, index, control socket. May have to be made (mode 0700). */
  readonly storagePath: string
  /** `site`: hosts with the same label are near each other; null when unknown. */
  readonly site: string | null
  /** `known_hosts_only`: only addresses that known_hosts resolve to may connect. */
  readonly knownHostsOnly: boolean
  /** `network_secret`: the Noise prologue is derived from it. */
  readonly networkSecret: Redacted<string> | null
  /** `folder_rescan_interval`; null: never. */
  readonly rescanIntervalMs: number | null
  /** `download_limit` of the whole host; null: none. */
  readonly downloadBytesPerSecond: number | null
  /** `upload_limit` of the whole host; null: none. */
  readonly uploadBytesPerSecond: number | null
  /** `rate_limit_local_peers`: the limits hold inside a site too. */
  readonly limitLocalPeers: boolean
  /** `limits`: other limits by site and time of day; the first that fits counts. */
  readonly limits: readonly TimedLimit[]
  /** `disk_low_priority`: idle I/O class. */
  readonly diskLowPriority: boolean
  /** `sync_trash_ttl`: archived files older than this are removed; null: never. */
  readonly archiveTtlMs: number | null
  /** `max_file_size_for_versioning`: larger files are removed, not archived; null: all are archived. */
  readonly archiveMaxFileBytes: number | null
  /** `shared_folders`, at least one. */
  readonly folders: readonly FolderConfig[]
}

export interface FolderConfig {
  /** `dir`, absolute, symbolic links resolved: the root. It exists, is a directory and is writable. */
  readonly dir: string
  /** Keys derived from `secret`; `keys.sign` is null with a read-only secret. */
  readonly keys: FolderKeys
  /** `previous_secret` and `previous_secret_until` (milliseconds since 1970), while the secret is being replaced. */
  readonly previous: { readonly keys: FolderKeys; readonly untilMs: number } | null
  /** `known_hosts` in the order of the file, without repetitions; may name this host itself. */
  readonly knownHosts: readonly KnownHost[]
  /** `meta_dir`, absolute: staging and archive, on the root's filesystem; null: `.sync` in the root. */
  readonly metaDir: string | null
  /** `use_sync_trash`: deleted and replaced files go to the archive. */
  readonly useArchive: boolean
  /** `overwrite_changes`: on a read-only host, local changes are replaced by what the folder says. */
  readonly overwriteChanges: boolean
  /** `priorities`: globs; what fits an earlier one is fetched first, what fits none last. */
  readonly priorities: readonly string[]
  /** `settle_seconds`; may be 0. */
  readonly settleMs: number
  /** `owner` as a user id; null: leave as it comes. */
  readonly uid: number | null
  /** `group` as a group id; null: leave as it comes. */
  readonly gid: number | null
  /** `file_mode`; null: by umask. */
  readonly fileMode: number | null
  /** `dir_mode`; null: by umask. */
  readonly dirMode: number | null
  /** `min_free_space`: what a transfer must leave free on the root's filesystem. */
  readonly minFreeBytes: number
  /** `max_delete_files` and `max_delete_percent`: the brake holds when more files than both vanish or are replaced in one go. */
  readonly maxDeleteFiles: number
  readonly maxDeletePercent: number
  /** `scrub_interval_days`; null: never. */
  readonly scrubIntervalMs: number | null
}

/** One line of known_hosts. The name is resolved at each dial. */
export interface KnownHost {
  /** As the operator wrote it. */
  readonly line: HostName
  /** A DNS name, an IPv4 address, or an IPv6 address without brackets. */
  readonly host: string
  readonly port: number
  readonly kind: 'name' | 'ipv4' | 'ipv6'
}
