/** Builds one folder: its root, lock, ignore list, scanner, watcher and engine, joined to the network. */
import { join } from 'node:path'
import { type FolderId, type HostName, type RelPath } from '../base/brand.ts'
import { type Clock } from '../base/clock.ts'
import { EndingClock } from '../base/ending-clock.ts'
import { type Log } from '../base/log.ts'
import { hasWriters } from '../base/native.ts'
import { type Config, type FolderConfig } from '../config/config.ts'
import { type ContentPlace, type FolderIndex } from '../db/index-port.ts'
import { type IndexDatabase } from '../db/open.ts'
import { type FolderSettings } from '../engine/folder-settings.ts'
import { PoolFolder, type PoolFolderNeeds } from '../engine/pool-folder.ts'
import { RootGuard } from '../engine/root-guard.ts'
import { type DiskRoot, openDiskRoot } from '../fs/disk-root.ts'
import { type OpenFile, type Root } from '../fs/root.ts'
import { type FolderLink, type Network } from '../net/network.ts'
import { type Hasher } from '../scan/hasher.ts'
import { type PieceChecker } from '../scan/piece-checker.ts'
import { createScanner } from '../scan/scanner.ts'
import { createWatcher, type Watcher } from '../scan/watcher.ts'
import { InUse } from './open-storage.ts'
import { rankByGlobs } from './priorities.ts'
import { RootClaim } from './root-claim.ts'
import { takesWrites } from './storage-room.ts'
import { takeOverOldSecret } from './take-over-old-secret.ts'

export interface FolderNeeds {
  readonly index: IndexDatabase
  readonly network: Network
  readonly hasher: Hasher
  readonly renewIndex: PoolFolderNeeds['renewIndex']
  /** The roots of all folders of this host: a content may lie in any. */
  readonly roots: Map<FolderId, Root>
  readonly checker: PieceChecker
  /** What each folder does about a place that is not what the index says. */
  readonly suspects: Map<FolderId, (place: ContentPlace) => void>
  readonly clock: Clock
  readonly log: Log
}

export interface OpenedFolder extends AsyncDisposable {
  readonly config: FolderConfig
  readonly folder: PoolFolder
  readonly index: FolderIndex
  readonly link: FolderLink
  /** Takes what may change while the daemon runs from a config that was loaded again. */
  update(config: Config, folder: FolderConfig): Promise<void>
}

export async function openFolder(config: Config, own: FolderConfig, needs: FolderNeeds): Promise<OpenedFolder> {
  const stack = new AsyncDisposableStack()
  try {
    return await build(config, own, needs, stack)
  } catch (error) {
    await stack.disposeAsync()
    throw error
  }
}

async function build(
  config: Config,
  own: FolderConfig,
  needs: FolderNeeds,
  stack: AsyncDisposableStack,
): Promise<OpenedFolder> {
  const log = needs.log.child({ folder: own.dir })
  // With the folder, after it: what it has begun may still set timers while it closes.
  const clock = new EndingClock(needs.clock)
  stack.defer(() => clock.end())
  let latest = own
  const disk = openRoot(own, () => latest.minFreeBytes)
  needs.roots.set(own.keys.id, disk)
  takeOverOldSecret(own, needs.index, log)
  const index = needs.index.folder(own.keys.id)
  const metaDir = own.metaDir ?? join(own.dir, '.sync')
  const claim = new RootClaim(
    { dir: own.dir, metaDir },
    {
      disk,
      watch: (ignored) => watch(own, metaDir, folder, ignored, needs),
      watched: () => void folder.local.noticing.rescan(),
      clock: needs.clock,
      log,
    },
  )
  stack.use(claim)
  const ours = { folder: own.keys.id, replica: index.replica, previous: own.previous?.keys.id }
  await claimNow(claim, new RootGuard(ours, { disk, index, clock: needs.clock }))
  const { hasher, renewIndex } = needs
  const { ignored } = claim
  const folder: PoolFolder = new PoolFolder(settingsOf(config, own), {
    disk,
    index,
    hasher,
    renewIndex,
    scanner: createScanner({ root: disk, index, ignored, clock }),
    openPlace: (place) => openPlace(needs.roots, place),
    checker: needs.checker,
    claim,
    suspectElsewhere: (place) => needs.suspects.get(place.folder as FolderId)?.(place),
    indexTakesWrites: () => takesWrites(config.storagePath),
    hasWriters: (file) => (file.fd === null ? null : hasWriters(file.fd)),
    clock,
    log,
  })
  stack.defer(() => folder.close())
  needs.suspects.set(own.keys.id, (place) => folder.scrub.suspect(place))
  const link = needs.network.openFolder({
    keys: own.keys,
    previous: own.previous,
    knownHosts: linesOf(own),
    replica: index.replica,
    handlers: folder,
  })
  stack.defer(() => link.close())
  folder.start()
  return {
    config: own,
    folder,
    index,
    link,
    update: async (config, own) => {
      latest = own
      folder.settings = settingsOf(config, own)
      link.update({ knownHosts: linesOf(own) })
      await claim.reread()
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

function openRoot(own: FolderConfig, minFreeBytes: () => number): DiskRoot {
  return openDiskRoot({
    dir: own.dir,
    ...(own.metaDir === null ? {} : { metaDir: own.metaDir }),
    owner: own.uid,
    group: own.gid,
    fileMode: own.fileMode,
    dirMode: own.dirMode,
    get minFreeBytes() {
      return minFreeBytes() // may be reloaded
    },
  })
}

function watch(
  own: FolderConfig,
  metaDir: string,
  folder: PoolFolder,
  ignored: (path: RelPath) => boolean,
  needs: FolderNeeds,
): Watcher {
  let isTroubled = false
  const watcher = createWatcher(
    { dir: own.dir, metaDir },
    {
      ignored,
      onHint: (path) => folder.local.noticing.hint(path),
      onTrouble: (text) => {
        isTroubled = true
        folder.problems.set('no-events', null, text)
      },
      clock: needs.clock,
    },
  )
  // Not before: while it fails in the same way it is one problem, not a new one at each try.
  void watcher.ready.then(() => isTroubled || folder.problems.clear(null, 'no-events'))
  return watcher
}

/**
 * A second daemon on the folder ends at once, with the pid of the first. Whatever else is in the way halts the folder
 * when it looks for its root, and so does another root, which is left alone.
 */
async function claimNow(claim: RootClaim, guard: RootGuard): Promise<void> {
  if (!(await guard.mayBeOurs())) return
  try {
    claim.lock()
  } catch (error) {
    if (error instanceof InUse) throw error
  }
}

function settingsOf(config: Config, own: FolderConfig): FolderSettings {
  return {
    dir: own.dir,
    keys: own.keys,
    previous: own.previous,
    site: config.site,
    useArchive: own.useArchive,
    overwriteChanges: own.overwriteChanges,
    settleMs: own.settleMs,
    rankOf: rankByGlobs(own.priorities),
    maxDeleteFiles: own.maxDeleteFiles,
    maxDeletePercent: own.maxDeletePercent,
    archiveMaxFileBytes: config.archiveMaxFileBytes,
    archiveTtlMs: config.archiveTtlMs,
    rescanIntervalMs: config.rescanIntervalMs,
    scrubIntervalMs: own.scrubIntervalMs,
  }
}

function linesOf(own: FolderConfig): readonly HostName[] {
  return own.knownHosts.map((host) => host.line)
}

async function openPlace(roots: ReadonlyMap<FolderId, Root>, place: ContentPlace): Promise<OpenFile> {
  const root = roots.get(place.folder as FolderId)
  if (root === undefined) throw new Error('that folder is not open here')
  return place.in === 'tree' ? await root.open(place.entry.path) : await root.openArchived(place.name)
}
