/** What must hold at every moment, and what when all has come to rest. */
import { type RelPath, type RootHash } from '../../src/base/brand.ts'
import { winnerOf } from '../../src/sync/merge.ts'
import { type SignedRecord } from '../../src/sync/record.ts'
import { type SimHost } from './sim-host.ts'
import { treeOf } from './tree.ts'
import { type World } from './world.ts'

/** Timers of all hosts together: every queue that grows without bound shows in them sooner or later. */
const MOST_TIMERS = 20_000
/** Users know some thirty paths: what waits for any of them on one host is far fewer than this. */
const MOST_QUEUED = 200

/** Looks at all hosts; tells the world what is broken. */
export class Invariants {
  readonly #world: World
  /** Per index: records up to this sequence have been judged, when its host had made so many transactions. */
  readonly #judged = new WeakMap<object, { readonly sequence: number; readonly commits: number }>()
  /** Per disk: this revision shows nothing that no user wrote. */
  readonly #shown = new WeakMap<object, number>()

  constructor(world: World) {
    this.#world = world
  }

  check(): void {
    for (const host of this.#world.hosts) {
      this.#visibleFilesWereWritten(host)
      this.#nothingIsLost(host)
      this.#recordsAreTrue(host)
      this.#queuesAreBounded(host)
    }
    if (this.#world.time.waiting > MOST_TIMERS) this.#world.fail('all', 'there are too many timers')
  }

  #visibleFilesWereWritten(host: SimHost): void {
    const { contents, ledger } = this.#world
    if (this.#shown.get(host.disk) === host.disk.revision) return
    this.#shown.set(host.disk, host.disk.revision)
    for (const [path, node] of treeOf(host.disk)) {
      if (node.kind !== 'file') continue
      const content = contents.recognise(node)
      if (content === null)
        this.#world.fail(host.name, `${path} shows ${node.bytes.byteLength} bytes that no user wrote`)
      else if (content.isPart && (ledger.uploads.get(content.root) ?? host.name) !== host.name)
        this.#world.fail(host.name, `${path} shows ${content.name}, which is still being uploaded elsewhere`)
      else if (content.rottenOn !== null && !content.rottenOn.has(host.name))
        this.#world.fail(host.name, `${path} shows ${content.name}: rot has spread`)
    }
  }

  #nothingIsLost(host: SimHost): void {
    for (const root of this.#world.ledger.lostOn(host.disk)) {
      const name = this.#world.contents.byRoot(root as never)?.name ?? root
      this.#world.fail(host.name, `${name} was on this disk, and is now neither in the tree nor in the archive`)
    }
  }

  #recordsAreTrue(host: SimHost): void {
    const { records, commits } = host
    const judged = this.#judged.get(host.index) ?? { sequence: 0, commits: -1 }
    if (judged.commits === commits) return
    const news = records.recordsAfter(judged.sequence, 1_000_000)
    this.#judged.set(host.index, { sequence: news.at(-1)?.sequence ?? judged.sequence, commits })
    for (const { record } of news) {
      const wrong = this.#untruth(record)
      if (wrong !== null) this.#world.fail(host.name, `its record of ${record.path} ${wrong}`)
    }
  }

  #queuesAreBounded(host: SimHost): void {
    const { folder } = host
    if (folder === null) return
    const { remote, local } = folder
    const waiting = { wanted: remote.wanted.count, applying: remote.applier.busy, taking: local.changes.busy }
    for (const [what, count] of Object.entries(waiting))
      if (count > MOST_QUEUED) this.#world.fail(host.name, `${what}: ${count} are waiting`)
  }

  #nameOf(record: SignedRecord): string {
    const content = record.kind === 'file' ? this.#world.contents.byRoot(record.root) : null
    return content?.name ?? record.kind
  }

  #untruth(record: SignedRecord): string | null {
    const { hosts, ledger, isSigned } = this.#world
    if (!isSigned(record)) return 'is forged'
    const author = hosts.find((h) => h.replicas.includes(record.author))
    if (author === undefined || author.isReadOnly) return `is by ${author?.name ?? 'nobody'}, who may not write`
    if (record.kind === 'tombstone')
      return ledger.wasRemoved(author.name, record.path, record.previous)
        ? null
        : `says that it was deleted on ${author.name}, which no user did there`
    // Parents of what arrives are made by daemons, and one directory is like another.
    if (record.kind === 'directory') return null
    return ledger.wasLeft(author.name, record.path, stateOfRecord(record))
      ? null
      : `says that ${author.name} has ${this.#nameOf(record)} there, which no user left there`
  }
}

function stateOfRecord(record: SignedRecord): string {
  if (record.kind === 'file') return `file:${record.root}`
  return record.kind === 'link' ? `link:${record.target}` : record.kind
}

/** Null when all trees are the same; else the first difference. */
export function firstDifference(world: World): string | null {
  const [first, ...others] = world.hosts
  if (first === undefined) return null
  const wanted = shown(first)
  for (const other of others) {
    const there = shown(other)
    for (const path of new Set([...wanted.keys(), ...there.keys()]))
      if (wanted.get(path) !== there.get(path) && !isExcused(path, wanted.has(path) && there.has(path)))
        return `${path} is ${wanted.get(path) ?? 'absent'} on ${first.name}, ${there.get(path) ?? 'absent'} on ${other.name}`
  }
  return null

  function isExcused(path: string, isOnBoth: boolean): boolean {
    return waitsInVain(world, path) || (!isOnBoth && holdsWhatWaitsInVain(world, path))
  }

  function shown(host: SimHost): ReadonlyMap<string, string> {
    const nodes = treeOf(host.disk)
    return new Map(
      [...world.ledger.statesOn(host.disk)].map(([path, state]) => {
        const node = nodes.get(path)
        return [path, node?.kind === 'file' ? `${state} of ${node.mtimeUs}` : state]
      }),
    )
  }
}

/**
 * True for a content that nobody can give: it went with a disk that was put back from an older day, or its only host's user
 * deleted it, and an operator took that back or that host's index was lost before it heard of it, or a
 * file was just to take the place of the directory that it lay in (a deletion there is taken for our own). The hosts that have
 * the record wait for it, with what lay there before.
 */
export function isBeyondReach({ hosts, ledger }: World, path: string, root: RootHash): boolean {
  const isBuried = ledger.wasBuried(path) && hosts.some(({ name }) => ledger.wasRemoved(name, path, root))
  if (!ledger.hasPutBack && !ledger.hasForgotten && ledger.discarded.size === 0 && !isBuried) return false
  return hosts.every(({ records }) => records.placesOf(root).length === 0)
}

/**
 * True for a directory in which nothing but such lies. Where something lay in their place before, it stays with that; where nothing
 * did, a user may have deleted it, as empty as it was.
 */
function holdsWhatWaitsInVain(world: World, dir: string): boolean {
  const below = world.hosts.flatMap(({ disk }) => [...treeOf(disk).keys()].filter((path) => path.startsWith(`${dir}/`)))
  return below.length > 0 && below.every((path) => waitsInVain(world, path) || holdsWhatWaitsInVain(world, path))
}

function waitsInVain(world: World, path: string): boolean {
  return world.hosts.every(({ records }) => {
    const known = records.recordsOf(path as RelPath)
    const winner = known.length === 0 ? null : winnerOf(known)
    return winner?.kind === 'file' && isBeyondReach(world, path, winner.root)
  })
}

/**
 * When all hosts hold the same again, what users did must show: where the users of one host alone touched a path, what
 * they left there last; where those of several did, what one of them left.
 */
export function judgeEpoch(world: World): void {
  const [host] = world.hosts
  if (host === undefined) return
  const now = world.ledger.statesOn(host.disk)
  const { touched } = world.ledger
  for (const [path, states] of touched) {
    const related = [...touched].filter(([other]) => isRelated(path, other))
    const hosts = new Set(related.flatMap(([, by]) => [...by.keys()]))
    if ([...hosts].some((name) => isUnreliable(world, name))) continue
    const alone = related.every(([other]) => other === path)
    if (hosts.size > 1 && !alone) continue
    if (world.ledger.discarded.size > 0 && [...states.values()].includes('absent')) continue
    const is = now.get(path) ?? 'absent'
    if (world.ledger.discarded.size > 0 && world.ledger.wasEverLeft(path, is)) continue
    if (world.ledger.rotRemoved.has(`${path} ${is}`)) continue
    // One directory is like another: a host without an index takes its own for new ones.
    if (is === 'directory' && world.ledger.forgetful.size > 0) continue
    // What was buried under a file comes back when the file goes, and its directories with it; and they stay when users
    // take away what came back in them.
    const isBelow = (other: string) => other.startsWith(`${path}/`)
    if (is === 'directory' && [...now.keys(), ...touched.keys()].some(isBelow)) continue
    if (![...states.values()].includes(is))
      world.fail('all', `${path} is ${is}, but users left ${[...states].map((s) => s.join(': ')).join(', ')}`)
  }
}

/** Users of a host that lost its index or may only read cannot expect that the others hear of what they did. */
function isUnreliable(world: World, name: string): boolean {
  return world.ledger.forgetful.has(name) || world.hosts.find((h) => h.name === name)?.isReadOnly === true
}

function isRelated(a: string, b: string): boolean {
  return a === b || a.startsWith(`${b}/`) || b.startsWith(`${a}/`)
}
