/**
 * What users really did, as the judge of the simulation knows it: from comparing a disk before and after each deed.
 * An epoch is the time between two moments at which all hosts held the same.
 */
import { type RootHash } from '../../src/base/brand.ts'
import { type MemoryDisk, type MemoryNode, sync } from '../../src/fs/memory-disk.ts'
import { contentHash } from '../../src/sync/record.ts'
import { type Contents } from './contents.ts'
import { type SimHost } from './sim-host.ts'
import { archivedIn, treeOf } from './tree.ts'

export class Ledger {
  readonly #contents: Contents
  /** All that was ever removed or overwritten by a user: host, path and hash ('' for directories). */
  readonly #removed = new Set<string>()
  /** Contents that each disk must hold, in the tree or the archive. */
  readonly #held = new Map<MemoryDisk, ReadonlySet<string>>()
  /** The revision of each disk at which nothing was lost. */
  readonly #judged = new WeakMap<MemoryDisk, number>()
  /** What users of each host last left at a path in this epoch: a state, or 'absent'. */
  readonly touched = new Map<string, Map<string, string>>()
  /** All that users ever left: host, path and state. */
  readonly #left = new Set<string>()
  /** The same, whoever left it. */
  readonly #leftAt = new Set<string>()
  /** Hosts whose operators took deletions back: they announce again what others wrote. */
  readonly discarded = new Set<string>()
  /** Hosts that forgot at any time: they announce again what lies there. */
  readonly #everForgot = new Set<string>()
  readonly #everRestored = new Set<string>()
  readonly #filesAt = new Set<string>()
  /** A whole disk was put back at some time: what was only there is gone. */
  hasPutBack = false
  /** Hosts that forgot in this epoch what they had not announced. */
  readonly forgetful = new Set<string>()
  /** Path and state of what users of this epoch deleted while its host knew that it had rotted: it is fetched again. */
  readonly rotRemoved = new Set<string>()
  /** Beginnings of uploads that go on: root hash and host. */
  readonly uploads = new Map<string, string>()

  constructor(needs: { contents: Contents }) {
    this.#contents = needs.contents
  }

  /** Lets a user of `host` do something, and notes what came of it. Returns the paths that changed. */
  deed(host: SimHost, work: () => void): readonly string[] {
    const [before, was] = [this.statesOn(host.disk), stampsOn(host.disk)]
    work()
    const nodes = treeOf(host.disk)
    const [after, is] = [this.statesOn(host.disk), stampsOn(host.disk)]
    const changed = [...new Set([...before.keys(), ...after.keys()])].filter((p) => was.get(p) !== is.get(p))
    for (const path of changed) {
      this.#noteRemoved(host, path, before.get(path))
      this.#touch(path, host.name, after.get(path) ?? 'absent')
      this.#left.add(`${host.name} ${path} ${after.get(path) ?? 'absent'}`)
      this.#leftAt.add(`${path} ${after.get(path) ?? 'absent'}`)
      if (after.get(path)?.startsWith('file:') === true) this.#filesAt.add(path)
      keep(host.disk, path, nodes)
    }
    this.hold(host.disk)
    return changed
  }

  /** True if a user of the host really took that away. `hash` is null for directories. */
  wasRemoved(host: string, path: string, hash: string | null): boolean {
    // Until peers tell it, a host cannot know that its index is older than its disk.
    return this.#everRestored.has(host) || this.#removed.has(`${host} ${path} ${hash ?? ''}`)
  }

  /** True if a user of the host really left that there, or the host may take for new what it does not know any more. */
  wasLeft(host: string, path: string, state: string): boolean {
    if (this.forgetful.has(host)) this.#everForgot.add(host)
    return this.#everForgot.has(host) || this.discarded.has(host) || this.#left.has(`${host} ${path} ${state}`)
  }

  /** True if some user ever left that there: an operator who takes changes of others back may bring it back. */
  wasEverLeft(path: string, state: string): boolean {
    return this.#leftAt.has(`${path} ${state}`)
  }

  /** True if users ever put a file where the path has a directory above it: it was buried then. */
  wasBuried(path: string): boolean {
    const names = path.split('/')
    return names.some((_, i) => i > 0 && this.#filesAt.has(names.slice(0, i).join('/')))
  }

  /** An older index, or an older disk with it, was put back: what it missed meanwhile, nobody can expect of it. */
  restored(host: SimHost, what: 'index' | 'all'): void {
    this.hasPutBack ||= what === 'all'
    this.forgetful.add(host.name)
    this.#everRestored.add(host.name)
    this.hold(host.disk)
  }

  /** From now on the disk must hold what it holds now. */
  hold(disk: MemoryDisk): void {
    this.#held.set(disk, this.#contentsOn(disk))
  }

  /** Contents that the disk should hold and does not; what it holds besides is to be held from now on. */
  lostOn(disk: MemoryDisk): readonly string[] {
    if (this.#judged.get(disk) === disk.revision) return []
    this.#judged.set(disk, disk.revision)
    const now = this.#contentsOn(disk)
    const lost = [...(this.#held.get(disk) ?? [])].filter((root) => !now.has(root))
    this.#held.set(disk, now)
    return lost
  }

  /** Some host forgot at some time what its users had done. */
  get hasForgotten(): boolean {
    return this.forgetful.size + this.#everForgot.size > 0
  }

  newEpoch(): void {
    for (const host of this.forgetful) this.#everForgot.add(host)
    this.touched.clear()
    this.rotRemoved.clear()
    this.forgetful.clear()
  }

  /** `file:ROOT`, `link:TARGET`, `directory` or `other`, by path. */
  statesOn(disk: MemoryDisk): ReadonlyMap<string, string> {
    return new Map([...treeOf(disk)].map(([path, node]) => [path, this.#stateOf(node)]))
  }

  #stateOf(node: MemoryNode): string {
    if (node.kind === 'file') return `file:${this.#contents.recognise(node)?.root ?? 'unknown'}`
    return node.kind === 'link' ? `link:${node.target}` : node.kind
  }

  #contentsOn(disk: MemoryDisk): ReadonlySet<string> {
    const files = [...treeOf(disk).values()].filter((node) => node.kind === 'file')
    const roots = [...files, ...archivedIn(disk)].map((file) => this.#contents.recognise(file)?.root ?? 'unknown')
    return new Set(roots)
  }

  #noteRemoved(host: SimHost, path: string, state: string | undefined): void {
    if (state === undefined) return
    const hash = hashOf(state)
    // Who deletes what has rotted means what it was.
    const whole = this.#contents.byRoot(hash as RootHash)?.was ?? hash
    for (const each of [hash, whole]) this.#removed.add(`${host.name} ${path} ${each}`)
    if (host.records.rotten().some((file) => file.path === path)) this.rotRemoved.add(`${path} file:${whole}`)
  }

  #touch(path: string, host: string, state: string): void {
    const hosts = this.touched.get(path) ?? new Map<string, string>()
    this.touched.set(path, hosts.set(host, state))
  }
}

/** By what a record names that state. */
function hashOf(state: string): string {
  if (state.startsWith('file:')) return state.slice('file:'.length)
  if (!state.startsWith('link:')) return ''
  return contentHash({ kind: 'link', target: state.slice('link:'.length) }) ?? ''
}

/** Tells also what was replaced by the same. Directories change with what is in them. */
function stampsOn(disk: MemoryDisk): ReadonlyMap<string, string> {
  return new Map(
    [...treeOf(disk)].map(([path, { kind, inode, mtimeUs }]) => [
      path,
      kind === 'directory' ? kind : `${kind} ${inode} ${mtimeUs}`,
    ]),
  )
}

/** Users wait until what they did is on the disk: fsync of the file and of all directories above it. */
function keep(disk: MemoryDisk, path: string, nodes: ReadonlyMap<string, MemoryNode>): void {
  const node = nodes.get(path)
  if (node !== undefined) sync(node)
  for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) {
    const dir = nodes.get(path.slice(0, at))
    if (dir?.kind === 'directory') sync(dir)
  }
  sync(disk.top)
}
