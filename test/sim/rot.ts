/**
 * Bits that flip on a host's disk, in files that have settled and that another host holds whole: the daemon must find
 * them, heal them from there, and let nobody else have them. Only in some seeds, and with chance of its own: what
 * happens in all others stays the same.
 */
import { sameStat } from '../../src/sync/entry.ts'
import { type MemoryDisk, type MemoryFile, statOfNode } from '../../src/fs/memory-disk.ts'
import { type RelPath } from '../../src/base/brand.ts'
import { Chance } from './chance.ts'
import { type Contents } from './contents.ts'
import { type SimHost } from './sim-host.ts'
import { treeOf } from './tree.ts'
import { type World } from './world.ts'

/** Rot is found well within the hour in which all must come to be the same. */
export const SCRUB_MS = 600_000
const ONE_SEED_IN = 3
const ONE_STEP_IN = 4

export class Rot {
  readonly #world: World
  readonly #chance: Chance

  private constructor(world: World, chance: Chance) {
    this.#world = world
    this.#chance = chance
  }

  /** Null in most seeds. What a backup brings back is another matter: who holds a content then is known to nobody. */
  static in(world: World, seed: number): Rot | null {
    const chance = new Chance(seed ^ 0x726f74)
    return chance.oneIn(ONE_SEED_IN) && world.files === null ? new Rot(world, chance) : null
  }

  /** Now and then. */
  maybe(): void {
    if (!this.#chance.oneIn(ONE_STEP_IN)) return
    const host = this.#chance.pick(this.#world.hosts)
    const files = this.#mayRotOn(host)
    if (files.length === 0) return
    const [path, file] = this.#chance.pick(files)
    flip(file, this.#chance.below(file.bytes.byteLength), 1 << this.#chance.below(8))
    const content = this.#world.contents.rotted(file, host.name)
    this.#world.ledger.hold(host.disk)
    this.#world.say(`${host.name}: ${path} rots: ${content.name}`)
  }

  #mayRotOn(host: SimHost): readonly (readonly [string, MemoryFile])[] {
    return [...treeOf(host.disk)].flatMap(([path, node]) => {
      if (node.kind !== 'file' || node.bytes.byteLength === 0 || !isDurable(node)) return []
      return this.#isIndexed(host, path, node) && this.#isElsewhere(host, node) ? [[path, node] as const] : []
    })
  }

  /** It lies there as the index says: what flips in what is not hashed yet is what the user wrote, to all appearances. */
  #isIndexed(host: SimHost, path: string, file: MemoryFile): boolean {
    const content = this.#world.contents.recognise(file)
    const entry = host.records.entry(path as RelPath)
    if (content === null || entry?.kind !== 'file' || entry.root !== content.root) return false
    return sameStat({ ...entry, kind: 'file' }, statOfNode(file))
  }

  /** All other hosts hold it: users of one of them alone cannot take the last copy away while this one rots. */
  #isElsewhere(host: SimHost, file: MemoryFile): boolean {
    const { contents, hosts } = this.#world
    const root = contents.recognise(file)?.root
    return hosts.every((other) => other === host || holds(other.disk, contents, root))
  }
}

/** True if rot shows in the tree of the host. */
export function hasRot(world: World, host: SimHost, below = ''): boolean {
  return [...treeOf(host.disk)].some(([path, node]) => {
    if (node.kind !== 'file' || !`${path}/`.startsWith(below === '' ? '' : `${below}/`)) return false
    return (world.contents.recognise(node)?.rottenOn ?? null) !== null
  })
}

function holds(disk: MemoryDisk, contents: Contents, root: string | undefined): boolean {
  return [...treeOf(disk).values()].some((node) => node.kind === 'file' && contents.recognise(node)?.root === root)
}

/** A crash now would leave it as it is. */
function isDurable({ bytes, mtimeUs, synced }: MemoryFile): boolean {
  return synced !== null && synced.mtimeUs === mtimeUs && Buffer.compare(synced.bytes, bytes) === 0
}

function flip({ bytes, synced }: MemoryFile, at: number, bit: number): void {
  for (const image of [bytes, synced?.bytes]) if (image !== undefined) image[at] = (image[at] ?? 0) ^ bit
}
