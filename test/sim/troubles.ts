/** What the world does to hosts: crashes, cuts, full and failing disks, lost mounts, wrong clocks, lost indexes. */
import { type HostName } from '../../src/base/brand.ts'
import { MemoryDisk } from '../../src/fs/memory-disk.ts'
import { META } from '../../src/fs/memory-tree.ts'
import { MemoryUser } from '../../src/fs/memory-user.ts'
import { type SimHost } from './sim-host.ts'
import { hasRot } from './rot.ts'
import { treeOf, walked } from './tree.ts'
import { type World } from './world.ts'

const YEAR_MS = 365 * 86_400_000
/** So long hosts wait for a sign of life. */
const GONE_MS = 60_000

export interface Trouble {
  readonly name: string
  readonly weight: number
  readonly run: (world: World, host: SimHost) => void
}

/** Rot comes of itself: rot.ts. */
export const TROUBLES: readonly Trouble[] = [
  { name: 'crash', weight: 4, run: crash },
  { name: 'crash within', weight: 4, run: crashWithin },
  { name: 'stop', weight: 2, run: stop },
  { name: 'cut', weight: 5, run: cut },
  { name: 'join', weight: 3, run: join },
  { name: 'stall', weight: 4, run: stall },
  { name: 'drop', weight: 3, run: drop },
  { name: 'disk full', weight: 2, run: fillDisk },
  { name: 'unreadable', weight: 2, run: makeUnreadable },
  { name: 'failing disk', weight: 1, run: failDisk },
  { name: 'failing fsync', weight: 1, run: failSync },
  { name: 'rescan', weight: 1, run: rescan },
  { name: 'unmount', weight: 2, run: unmount },
  { name: 'clock', weight: 1, run: skewClock },
  { name: 'lose index', weight: 0.7, run: loseIndex },
  { name: 'back up', weight: 1, run: backUp },
  { name: 'restore', weight: 1, run: restore },
  { name: 'hostile', weight: 1.5, run: (world) => world.hostile.come() },
  { name: 'discard', weight: 0.5, run: discard },
]

function crash(world: World, host: SimHost): void {
  if (!host.isUp) return
  world.say(`${host.name} crashes`)
  if (host.isMounted && world.chance.oneIn(2)) host.crash()
  else host.kill()
  world.startLater(host)
}

/** In the midst of an operation of the disk or the index. */
function crashWithin(world: World, host: SimHost): void {
  host.stepsToCrash = world.chance.between(1, 15)
  world.say(`${host.name} is to lose power in ${host.stepsToCrash} steps`)
}

function stop(world: World, host: SimHost): void {
  if (!host.isUp) return
  world.say(`${host.name} is stopped`)
  void host.stop().then(() => world.startLater(host))
}

function cut(world: World, host: SimHost): void {
  const other = world.chance.pick(world.hosts.filter((h) => h !== host))
  const key = cutPair(world, host, other)
  if (world.chance.oneIn(2)) world.time.after(world.chance.below(60_000), () => joinAgain(world, key))
}

function cutPair(world: World, host: SimHost, other: SimHost): string {
  const [a, b] = [host.name, other.name].sort() as [HostName, HostName]
  world.say(`the network between ${a} and ${b} is cut`)
  world.network.cut(a, b)
  world.cuts.set(`${a} ${b}`, [a, b])
  return `${a} ${b}`
}

function join(world: World): void {
  const cuts = [...world.cuts.keys()]
  if (cuts.length > 0) joinAgain(world, world.chance.pick(cuts))
}

function joinAgain(world: World, key: string): void {
  const pair = world.cuts.get(key)
  if (pair === undefined) return
  world.say(`the network between ${key} is back`)
  world.cuts.delete(key)
  world.network.join(...pair)
}

/** What one host sends to another does not arrive; after a minute both take the other for gone. */
function stall(world: World, host: SimHost): void {
  const other = world.chance.pick(world.hosts.filter((h) => h !== host))
  const [from, to] = [host.name, other.name] as [HostName, HostName]
  world.say(`nothing that ${from} sends arrives at ${to}`)
  world.network.stall(from, to)
  world.stalls.set(`${from} ${to}`, [from, to])
  const ms = world.chance.below(world.chance.pick([500, 10_000, 300_000]))
  const isCut = () => world.stalls.has(`${from} ${to}`) && cutPair(world, host, other)
  if (ms > GONE_MS) world.time.after(GONE_MS, isCut)
  world.time.after(ms, () => flowAgain(world, `${from} ${to}`))
}

function flowAgain(world: World, key: string): void {
  const way = world.stalls.get(key)
  if (way === undefined) return
  world.say(`what is sent on ${key} arrives again`)
  world.stalls.delete(key)
  world.network.flow(...way)
  joinAgain(world, [...way].sort().join(' '))
}

/** The connection breaks, with what is under way lost, and is there again at once. */
function drop(world: World, host: SimHost): void {
  const other = world.chance.pick(world.hosts.filter((h) => h !== host))
  const [a, b] = [host.name, other.name].sort() as [HostName, HostName]
  if (world.cuts.has(`${a} ${b}`)) return
  world.say(`the connection between ${a} and ${b} breaks`)
  world.network.cut(a, b)
  world.network.join(a, b)
}

function fillDisk(world: World, host: SimHost): void {
  host.capacityBytes = host.disk.usedBytes() + world.chance.pick([0, 100, 100_000])
  world.say(`${host.name} has room for ${host.capacityBytes} bytes only`)
  world.time.after(world.chance.below(120_000), () => freeDisk(world, host))
}

function freeDisk(world: World, host: SimHost): void {
  if (host.capacityBytes === Number.MAX_SAFE_INTEGER) return
  host.capacityBytes = Number.MAX_SAFE_INTEGER
  world.say(`${host.name} has room again`)
}

function makeUnreadable(world: World, host: SimHost): void {
  const paths = [...treeOf(host.disk).keys()]
  if (paths.length === 0) return
  const path = world.chance.pick(paths)
  host.unreadable.add(path)
  world.say(`${host.name} cannot read ${path}`)
  world.time.after(world.chance.below(900_000), () => host.unreadable.delete(path))
}

function failDisk(world: World, host: SimHost): void {
  host.failsOneIn = world.chance.pick([2, 10, 50])
  world.say(`the disk of ${host.name} fails once in ${host.failsOneIn} times`)
  world.time.after(world.chance.below(60_000), () => (host.failsOneIn = 0))
}

function failSync(world: World, host: SimHost): void {
  host.failsToSync = true
  world.say(`fsync fails on ${host.name}`)
  world.time.after(world.chance.below(60_000), () => (host.failsToSync = false))
}

function rescan(world: World, host: SimHost): void {
  world.say(`${host.name} rescans`)
  void host.folder?.local.noticing.rescan()
}

function unmount(world: World, host: SimHost): void {
  // A host that has never seen anything cannot tell an empty mount from its own disk when it starts.
  if (!host.isMounted || !host.records.hasEntries()) return
  const isForeign = world.chance.oneIn(2)
  world.say(`${host.name}: ${isForeign ? 'a foreign disk' : 'nothing'} is mounted in place of its own`)
  host.root.disk = isForeign ? foreignDisk(host) : new MemoryDisk({ now: () => host.nowUs() })
  host.strangeFiles = filesOn(host.root.disk)
  world.time.after(world.chance.below(world.chance.pick([1000, 60_000, 1_200_000])), () => mount(world, host))
}

/** A pool of somebody else. */
function foreignDisk(host: SimHost): MemoryDisk {
  const disk = new MemoryDisk({ now: () => host.nowUs() })
  const user = new MemoryUser({ disk: () => disk })
  user.write('.sync/folder.json', JSON.stringify({ folder: '00'.repeat(16), replica: '00'.repeat(8) }))
  user.write('a', 'of somebody else')
  disk.syncAll()
  return disk
}

/**
 * All files and links of a disk, isosyncd's own among them, as one text. But for staging: what was being fetched when the
 * disk went away may go on there until the next look at the marker.
 */
function filesOn(disk: MemoryDisk): string {
  const meta = disk.top.children.get(META)
  const ours = meta?.kind === 'directory' ? [...walked(meta)].filter(([path]) => !path.startsWith('staging')) : []
  const lines = [...walked(disk.top), ...ours].filter(([, { kind }]) => kind !== 'directory')
  return lines.map(([path, node]) => `${path} ${node.inode} ${node.ctimeUs}`).join('\n')
}

function mount(world: World, host: SimHost): void {
  if (host.isMounted) return
  if (filesOn(host.root.disk) !== host.strangeFiles)
    world.fail(host.name, 'it changed something on a disk that is not its own')
  world.say(`${host.name}: its own disk is mounted again`)
  host.root.disk = host.disk
}

function skewClock(world: World, host: SimHost): void {
  host.skewMs = world.chance.between(-10, 10) * YEAR_MS
  world.say(`the clock of ${host.name} is ${host.skewMs / YEAR_MS} years off`)
}

function loseIndex(world: World, host: SimHost): void {
  // Without an index nobody can tell rot from an edit.
  if (!host.isUp || !host.isMounted || hasRot(world, host)) return
  startWithNewIndex(world, host, 'loses its index')
}

function startWithNewIndex(world: World, host: SimHost, how: string): void {
  host.kill()
  host.loseIndex()
  world.ledger.forgetful.add(host.name)
  world.say(`${host.name} ${how}`)
  world.startLater(host)
}

function backUp(world: World, host: SimHost): void {
  if (world.files === null || !host.isMounted) return
  world.say(`${host.name} is backed up`)
  host.backUp()
}

function restore(world: World, host: SimHost): void {
  if (!host.isUp || !host.isMounted || !host.hasBackup) return
  const what = world.chance.pick<'index' | 'all'>(['index', 'all'])
  world.say(`${host.name}: ${what} of the backup is put back`)
  host.kill()
  host.restore(what)
  world.ledger.restored(host, what)
  world.startLater(host)
}

/** The operator did not mean the deletions that the brake holds. */
function discard(world: World, host: SimHost): void {
  const { folder } = host
  if (folder === null) return
  world.say(`${host.name}: discard`)
  world.ledger.discarded.add(host.name)
  void folder.discard()
}

/** Ends all troubles but wrong clocks; called again and again while hosts come to agree, as late troubles may come. */
export function heal(world: World): void {
  world.hostile.go()
  for (const key of [...world.stalls.keys()]) flowAgain(world, key)
  for (const key of [...world.cuts.keys()]) joinAgain(world, key)
  for (const host of world.hosts) {
    host.unreadable.clear()
    host.failsOneIn = 0
    host.failsToSync = false
    host.stepsToCrash = 0
    freeDisk(world, host)
    mount(world, host)
    giveNewIdentity(world, host)
  }
}

/** No host can tell such an index from a storage that was copied: it halts, and the operator does what `doctor` says. */
function giveNewIdentity(world: World, host: SimHost): void {
  if (!host.isOfFormerIndex || (host.folder?.halted ?? null) === null) return
  startWithNewIndex(world, host, 'is given a new identity')
}
