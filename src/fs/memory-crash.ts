/**
 * What a crash leaves of a MemoryDisk. A strict one leaves what was synced and nothing else. A real one may also leave
 * any of the rest: new names without their bytes, bytes without their names, some sectors of a file. But a rename never
 * loses what was renamed: it is under the old name or the new one.
 */
import {
  type MemoryDirectory,
  type MemoryDisk,
  type MemoryFile,
  type MemoryNode,
  hadDurableName,
  sync,
} from './memory-disk.ts'

/** Decides, thing by thing, about what was not synced. */
export interface CrashFate {
  readonly keepsName: () => boolean
  readonly keepsTime: () => boolean
  readonly bytes: () => 'old' | 'new' | 'torn'
  /** Of a torn file: whether this sector is new. */
  readonly keepsSector: () => boolean
}

const SECTOR_BYTES = 512

interface Place {
  readonly dir: MemoryDirectory
  readonly name: string
}

/** Power failure: what was not synced is gone; with a `fate`, some of it. */
export function crashDisk(disk: MemoryDisk, fate: CrashFate | null = null): void {
  const { top } = disk
  disk.revision++
  const before = placesIn(top, (dir) => dir.synced)
  const now = placesIn(top, (dir) => dir.children)
  for (const dir of new Set([top, ...directoriesOf(before), ...directoriesOf(now)])) decideNames(dir, fate)
  for (const [node, [fresh]] of now)
    if (fresh !== undefined && hadDurableName(node)) keepRenamed(node, before.get(node) ?? [], fresh)
  for (const node of placesIn(top, (dir) => dir.children).keys()) {
    if (node.kind === 'file') decideBytes(node, fate)
    sync(node)
  }
  sync(top)
}

/** What once had a durable name has one still, and only one. */
function keepRenamed(node: MemoryNode, before: readonly Place[], fresh: Place): void {
  const isAt = ({ dir, name }: Place) => dir.children.get(name) === node
  const isFree = ({ dir, name }: Place) => !dir.children.has(name)
  const places = [fresh, ...before.filter(({ dir, name }) => dir !== fresh.dir || name !== fresh.name)]
  const [kept, ...doubles] = places.filter(isAt)
  for (const { dir, name } of doubles) dir.children.delete(name)
  const place = kept ?? [...places].reverse().find(isFree)
  place?.dir.children.set(place.name, node)
}

/** Where each node is. What was synced may have it twice. */
function placesIn(top: MemoryDirectory, imageOf: (dir: MemoryDirectory) => ReadonlyMap<string, MemoryNode>) {
  const found = new Map<MemoryNode, readonly Place[]>()
  const walk = (dir: MemoryDirectory) => {
    for (const [name, node] of imageOf(dir)) {
      const known = found.get(node)
      found.set(node, [...(known ?? []), { dir, name }])
      if (node.kind === 'directory' && known === undefined) walk(node)
    }
  }
  walk(top)
  return found
}

function directoriesOf(places: ReadonlyMap<MemoryNode, unknown>): readonly MemoryDirectory[] {
  return [...places.keys()].filter((node) => node.kind === 'directory')
}

function decideNames(dir: MemoryDirectory, fate: CrashFate | null): void {
  const left = new Map<string, MemoryNode>()
  for (const name of new Set([...dir.synced.keys(), ...dir.children.keys()])) {
    const [old, fresh] = [dir.synced.get(name), dir.children.get(name)]
    const node = old === fresh || fate?.keepsName() !== true ? old : fresh
    if (node !== undefined) left.set(name, node)
  }
  dir.children = left
}

function decideBytes(file: MemoryFile, fate: CrashFate | null): void {
  const { bytes, mtimeUs, synced } = file
  const old = synced?.bytes ?? new Uint8Array()
  file.bytes = isSame(old, bytes) ? bytes : bytesLeft(old, bytes, fate)
  if (synced !== null && fate?.keepsTime() !== true) file.mtimeUs = synced.mtimeUs
  else file.mtimeUs = mtimeUs
}

function bytesLeft(old: Uint8Array, fresh: Uint8Array, fate: CrashFate | null): Uint8Array {
  const what = fate?.bytes() ?? 'old'
  if (what !== 'torn' || fate === null) return what === 'new' ? fresh.slice() : old.slice()
  const torn = new Uint8Array(fate.keepsSector() ? fresh.byteLength : old.byteLength)
  torn.set(old.subarray(0, torn.byteLength))
  for (let at = 0; at < torn.byteLength; at += SECTOR_BYTES)
    if (fate.keepsSector()) torn.set(fresh.subarray(at, Math.min(at + SECTOR_BYTES, torn.byteLength)), at)
  return torn
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}
