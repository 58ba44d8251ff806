/**
 * The composition root: the only place that builds the daemon's parts, in order, and stops them in reverse. It decides
 * nothing.
 */
import { systemClock } from './base/clock.ts'
import { type FolderId } from './base/brand.ts'
import { ioprioSetIdle } from './base/native.ts'
import { sdNotify } from './base/sd-notify.ts'
import { createControlServer } from './api/control-server.ts'
import { type DaemonNeeds } from './cli/daemon-command.ts'
import { type Config } from './config/config.ts'
import { diffConfig } from './config/diff.ts'
import { type ContentPlace } from './db/index-port.ts'
import { type Root } from './fs/root.ts'
import { awaitRoom } from './host/await-room.ts'
import { giveMemoryBackWhenCalm, thisProcess } from './host/calm-memory.ts'
import { controlVerbs } from './host/control-verbs.ts'
import { keepIndexSmall } from './host/index-upkeep.ts'
import { openFolder, type OpenedFolder } from './host/open-folder.ts'
import { openStorage, type Storage } from './host/open-storage.ts'
import { type SetAsideReason } from './host/set-aside.ts'
import { catchSignals, feedWatchdog, type Signals } from './host/signals.ts'
import { loadOrMakeIdentity } from './net/identity.ts'
import { type Network, startNetwork } from './net/network.ts'
import { takePidFile } from './pid-file.ts'
import { ThreadChecker } from './scan/thread-checker.ts'
import { ThreadHasher } from './scan/thread-hasher.ts'

const NEW_INDEX =
  'It is kept in storage_path under another name, and a new one is made: all files are read once and taken up by content, nothing is deleted, nothing that is equal is sent'

/** An answer on the control socket is out by then. */
const ANSWER_MS = 200

/** What happens then, for the log. */
const ANEW: Readonly<Record<SetAsideReason, string>> = {
  damaged: `The index is damaged. ${NEW_INDEX}`,
  outdated: `So the index of this host is older than it was (restored from a backup?). ${NEW_INDEX}`,
  copied: `This host gets an identity and an index of its own. ${NEW_INDEX}`,
}

/** A running daemon. */
interface Daemon {
  /** The config that it runs by now. */
  readonly config: () => Config
  /** Resolves when all must be built anew, because the index or the identity is set aside. */
  readonly renewal: Promise<void>
  reload(): Promise<void>
}

/** Runs until SIGTERM or SIGINT; resolves with the exit status. */
export async function runDaemon(config: Config, needs: DaemonNeeds): Promise<number> {
  const signals = catchSignals(needs)
  let stopping = false
  void signals.stop.then(() => (stopping = true))
  try {
    let running: Config = config
    while (!stopping)
      try {
        running = await runOnce(running, needs, signals)
      } catch (error) {
        await awaitRoom(error, { storagePath: running.storagePath, signals, clock: systemClock, log: needs.log })
      }
    return 0
  } catch (error) {
    needs.log.error({ err: error }, error instanceof Error ? error.message : String(error))
    return 1
  } finally {
    needs.log.info({}, 'stopped')
  }
}

/** Builds all, runs until it is to stop or to be built anew, and takes it apart. Gives the config that counted last. */
async function runOnce(config: Config, needs: DaemonNeeds, signals: Signals): Promise<Config> {
  await using stack = new AsyncDisposableStack()
  const daemon = await start(config, needs, stack)
  sdNotify('READY=1')
  stack.defer(feedWatchdog(() => sdNotify('WATCHDOG=1')))
  signals.onReload(() => void daemon.reload())
  stack.defer(() => signals.onReload(null))
  await Promise.race([signals.stop.then(() => sdNotify('STOPPING=1')), daemon.renewal])
  return daemon.config()
}

async function start(config: Config, needs: DaemonNeeds, stack: AsyncDisposableStack): Promise<Daemon> {
  const { log } = needs
  if (config.pidFile !== null) {
    const pidFile = takePidFile(config.pidFile)
    stack.defer(() => pidFile.release())
  }
  const storage = stack.use(openStorage(config.storagePath, { log, clock: systemClock }))
  const renewal = Promise.withResolvers<void>()
  const renew = (why: SetAsideReason, detail: string) => {
    log.error({ why }, `${detail}. ${ANEW[why]}`)
    storage.renewAtClose(why)
    renewal.resolve()
  }
  if (config.diskLowPriority && !ioprioSetIdle())
    log.warn({}, 'disk_low_priority: the idle I/O class cannot be had here; going on without')
  stack.defer(keepIndexSmall(storage.index, { clock: systemClock, log }))
  const memory = thisProcess(systemClock)
  if (memory !== null) stack.defer(giveMemoryBackWhenCalm(memory))
  const hasher = new ThreadHasher()
  stack.defer(() => hasher.close())
  const checker = new ThreadChecker()
  stack.defer(() => checker.rest())
  const foldersOpen = Promise.withResolvers<void>()
  const network = await listen(config, storage, needs, foldersOpen.promise)
  stack.defer(() => network.close())
  const roots = new Map<FolderId, Root>()
  const suspects = new Map<FolderId, (place: ContentPlace) => void>()
  const folders: OpenedFolder[] = []
  for (const own of config.folders) {
    const folder = await openFolder(config, own, {
      index: storage.index,
      network,
      hasher,
      renewIndex: renew,
      roots,
      checker,
      suspects,
      clock: systemClock,
      log,
    })
    folders.push(stack.use(folder))
  }
  foldersOpen.resolve()
  const startedMs = systemClock.elapsed()
  const host = () => ({
    version: needs.version,
    deviceName: config.deviceName,
    site: config.site,
    pid: process.pid,
    uptimeS: (systemClock.elapsed() - startedMs) / 1000,
    listeningPort: network.port,
    peerId: network.peerId,
    storagePath: config.storagePath,
  })
  // The answer goes out first.
  const newIdentity = () => void systemClock.after(ANSWER_MS, () => renew('copied', 'Asked for a new identity'))
  const verbs = controlVerbs({ host, folders: () => folders, newIdentity })
  const control = await createControlServer({ socketPath: storage.socketPath }, verbs)
  stack.defer(() => control.close())
  log.info(
    { version: needs.version, port: network.port, peerId: network.peerId },
    `isosyncd ${needs.version} is listening on port ${network.port}`,
  )
  let running = config
  return {
    config: () => running,
    renewal: renewal.promise,
    reload: async () => {
      needs.reopenLog()
      running = await reload(running, needs, network, folders)
    },
  }
}

async function listen(
  config: Config,
  storage: Storage,
  { log, version }: DaemonNeeds,
  foldersOpen: Promise<void>,
): Promise<Network> {
  return await startNetwork(
    {
      listenPort: config.listeningPort,
      identity: loadOrMakeIdentity(storage.identityFile),
      networkSecret: config.networkSecret,
      knownHostsOnly: config.knownHostsOnly,
      ...limitsOf(config),
      deviceName: config.deviceName,
      site: config.site,
      program: `isosyncd ${version}`,
    },
    { clock: systemClock, log, foldersOpen },
  )
}

/** SIGHUP: takes what may change from the config file, and looks at all folders now. */
async function reload(
  running: Config,
  needs: DaemonNeeds,
  network: Network,
  folders: readonly OpenedFolder[],
): Promise<Config> {
  const loaded = needs.reloadConfig()
  const diff = loaded === null ? null : diffConfig(running, loaded)
  for (const key of diff?.now ?? []) needs.log.info({ key }, `reloaded: ${key} counts from now on`)
  for (const key of diff?.afterRestart ?? []) needs.log.warn({ key }, `${key} has changed: it counts after a restart`)
  const effective = diff?.effective ?? running
  network.setLimits(limitsOf(effective))
  network.retryNow()
  for (const [i, folder] of folders.entries()) {
    const own = effective.folders[i]
    if (own !== undefined) await folder.update(effective, own)
    void folder.folder.local.noticing.rescan()
  }
  needs.log.info({}, 'SIGHUP: rescanning all folders')
  return effective
}

function limitsOf(config: Config) {
  return {
    uploadBytesPerSecond: config.uploadBytesPerSecond,
    downloadBytesPerSecond: config.downloadBytesPerSecond,
    limitLocalPeers: config.limitLocalPeers,
    timed: config.limits,
  }
}
