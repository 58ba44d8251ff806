/** Builds one folder: its root, lock, ignore list, scanner, watcher and engine, joined to the network. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type FolderId, type HostName, type RelPath } from '../base/brand.ts'
import { type Clock } from '../base/clock.ts'
import { type Log } from '../base/log.ts'
import { hasWriters } from '../base/native.ts'
import { type Config, type FolderConfig } from '../config/config.ts'
import { type ContentPlace, type FolderIndex } from '../db/index-port.ts'
import { type IndexDatabase } from '../db/open.ts'
import { type FolderSettings } from '../engine/folder-settings.ts'
import { PoolFolder, type PoolFolderNeeds } from '../engine/pool-folder.ts'
import { type DiskRoot, openDiskRoot } from '../fs/disk-root.ts'
import { type OpenFile, type Root } from '../fs/root.ts'
import { type FolderLink, type Network } from '../net/network.ts'
import { type Hasher } from '../scan/hasher.ts'
import { type PieceChecker } from '../scan/piece-checker.ts'
import { defaultIgnoreList } from '../scan/default-ignore-list.ts'
import { compileIgnoreList, type IgnoreList } from '../scan/ignore-list.ts'
import { createScanner } from '../scan/scanner.ts'
import { createWatcher, type Watcher } from '../scan/watcher.ts'
import { takeLock } from './open-storage.ts'
import { rankByGlobs } from './priorities.ts'
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
  let latest = own
  const disk = openRoot(own, () => latest.minFreeBytes)
  needs.roots.set(own.keys.id, disk)
  const metaDir = own.metaDir ?? join(own.dir, '.sync')
  mkdirSync(metaDir, { recursive: true })
  const lock = takeLock(join(metaDir, 'lock'), `the folder ${own.dir}`)
  stack.defer(() => lock.release())

  await takeOverOldSecret(own, disk, needs.index, log)
  const index = needs.index.folder(own.keys.id)
  const ignoring = { list: await readIgnoreList(disk, log) }
  const ignored = (path: RelPath) => ignoring.list.ignored(path)
  const { clock, hasher, renewIndex } = needs
  const folder = new PoolFolder(settingsOf(config, own), {
    disk,
    index,
    hasher,
    renewIndex,
    scanner: createScanner({ root: disk, index, ignored, clock }),
    openPlace: (place) => openPlace(needs.roots, place),
    checker: needs.checker,
    suspectElsewhere: (place) => needs.suspects.get(place.folder as FolderId)?.(place),
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
  const watcher = watch(own, metaDir, folder, ignored, needs)
  stack.defer(() => watcher.close())
  folder.start()
  rescanOnceWatched(watcher, folder, stack)
  return {
    config: own,
    folder,
    index,
    link,
    update: async (config, own) => {
      latest = own
      folder.settings = settingsOf(config, own)
      link.update({ knownHosts: linesOf(own) })
      ignoring.list = await readIgnoreList(disk, log).catch((error: unknown) => {
        log.warn({ err: error }, 'the IgnoreList cannot be read: the one that was read last goes on to count')
        return ignoring.list
      })
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
  return createWatcher(
    { dir: own.dir, metaDir },
    {
      ignored,
      onHint: (path) => folder.local.noticing.hint(path),
      onTrouble: (text) => folder.problems.set('no-events', null, text),
      clock: needs.clock,
    },
  )
}

/** What changed behind the back of the first scan, before every directory was watched, gives no hint: look once more. */
function rescanOnceWatched(watcher: Watcher, folder: PoolFolder, stack: AsyncDisposableStack): void {
  let open = true
  stack.defer(() => void (open = false))
  void watcher.ready.then(() => (open ? folder.local.noticing.rescan() : undefined))
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

async function readIgnoreList(disk: Root, log: Log): Promise<IgnoreList> {
  const list = compileIgnoreList(await disk.readIgnoreList(defaultIgnoreList))
  for (const { line, text, reason } of list.troubles)
    log.warn({ line }, `IgnoreList, line ${line}, '${text}': ${reason}; the line is left out`)
  return list
}

async function openPlace(roots: ReadonlyMap<FolderId, Root>, place: ContentPlace): Promise<OpenFile> {
  const root = roots.get(place.folder as FolderId)
  if (root === undefined) throw new Error('that folder is not open here')
  return place.in === 'tree' ? await root.open(place.entry.path) : await root.openArchived(place.name)
}
