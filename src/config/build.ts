/** From what is written to what the daemon uses: units, names, defaults that depend on the machine. */
import { resolve } from 'node:path'
import { type Limit, type TimedLimit } from '../sync/timed-limit.ts'
import { type Config, type FolderConfig, type KnownHost } from './config.ts'
import { type Places } from './directories.ts'
import { type WrittenConfig, type WrittenFolder } from './schema.ts'
import { type Surroundings } from './storage-path.ts'
import { BYTES_PER_KB, BYTES_PER_MB, MS_PER_DAY, MS_PER_SECOND, zeroIsNull } from './units.ts'

export function buildConfig(written: WrittenConfig, places: Places, file: string, surroundings: Surroundings): Config {
  return {
    file: resolve(file),
    deviceName: written.device_name ?? surroundings.hostName,
    listeningPort: written.listening_port,
    pidFile: places.pidFile?.real ?? null,
    storagePath: places.storage.real,
    site: written.site ?? null,
    knownHostsOnly: written.known_hosts_only,
    networkSecret: written.network_secret ?? null,
    rescanIntervalMs: zeroIsNull(written.folder_rescan_interval, MS_PER_SECOND),
    downloadBytesPerSecond: zeroIsNull(written.download_limit, BYTES_PER_KB),
    uploadBytesPerSecond: zeroIsNull(written.upload_limit, BYTES_PER_KB),
    limitLocalPeers: written.rate_limit_local_peers,
    limits: written.limits.map(buildTimedLimit),
    diskLowPriority: written.disk_low_priority,
    archiveTtlMs: zeroIsNull(written.sync_trash_ttl, MS_PER_DAY),
    archiveMaxFileBytes: zeroIsNull(written.max_file_size_for_versioning, BYTES_PER_MB),
    folders: written.shared_folders.map((folder, i) => buildFolder(folder, places.folders[i])),
  }
}

function buildFolder(written: WrittenFolder, places: Places['folders'][number] | undefined): FolderConfig {
  return {
    dir: places?.dir.real ?? written.dir,
    keys: written.secret,
    previous: buildPrevious(written),
    knownHosts: withoutRepetitions(written.known_hosts),
    metaDir: places?.meta?.real ?? null,
    useArchive: written.use_sync_trash,
    overwriteChanges: written.overwrite_changes,
    priorities: written.priorities,
    settleMs: written.settle_seconds * MS_PER_SECOND,
    uid: written.owner ?? null,
    gid: written.group ?? null,
    fileMode: written.file_mode ?? null,
    dirMode: written.dir_mode ?? null,
    minFreeBytes: written.min_free_space * BYTES_PER_MB,
    maxDeleteFiles: written.max_delete_files,
    maxDeletePercent: written.max_delete_percent,
    scrubIntervalMs: zeroIsNull(written.scrub_interval_days, MS_PER_DAY),
  }
}

function buildPrevious({ secret, previous_secret: keys, previous_secret_until: until }: WrittenFolder) {
  if (keys === undefined || until === undefined) return null
  // A host that may only read from now on does not write in the old secret either.
  return { keys: secret.sign === null ? { ...keys, sign: null } : keys, untilMs: until }
}

function withoutRepetitions(hosts: readonly KnownHost[]): readonly KnownHost[] {
  return [...new Map(hosts.map((host) => [host.line, host])).values()]
}

function buildTimedLimit(written: WrittenConfig['limits'][number]): TimedLimit {
  const [a, b] = written.sites ?? []
  return {
    sites: a === undefined || b === undefined ? null : [a, b],
    minutes: written.time === undefined ? null : buildSpan(written.time),
    download: buildLimit(written.download_limit),
    upload: buildLimit(written.upload_limit),
  }
}

function buildSpan(text: string): { from: number; to: number } {
  const [from = 0, to = 0] = text.split('-').map((time) => {
    const [hours = 0, minutes = 0] = time.split(':').map(Number)
    return hours * 60 + minutes
  })
  return { from, to }
}

function buildLimit(written: number | string | undefined): Limit | null {
  if (written === undefined) return null
  if (typeof written === 'string') return { kind: 'share', share: Number.parseFloat(written) / 100 }
  return written === 0 ? { kind: 'none' } : { kind: 'rate', bytesPerSecond: written * BYTES_PER_KB }
}
