/**
 * A disk in memory for MemoryRoot: directories, files and links, and which of it has been synced. A crash
 * (memory-crash.ts) forgets the rest, as strictly as POSIX allows: a name is only safe once its directory was synced,
 * bytes once their file was.
 */
import { assertNever } from '../base/assert.ts'
import { type Stat } from '../sync/entry.ts'
import { fsError } from './fs-errors.ts'

interface Common {
  readonly inode: number
  mtimeUs: number
  ctimeUs: number
}

export interface MemoryFile extends Common {
  readonly kind: 'file'
  /** Exactly as long as the file. */
  bytes: Uint8Array
  /** What a crash leaves; null while nothing of it was ever synced. */
  synced: { readonly bytes: Uint8Array; readonly mtimeUs: number } | null
}

export interface MemoryDirectory extends Common {
  readonly kind: 'directory'
  children: Map<string, MemoryNode>
  synced: ReadonlyMap<string, MemoryNode>
}

export interface MemoryLink extends Common {
  readonly kind: 'link'
  readonly target: string
}

/** A socket, pipe or device. */
export interface MemoryOther extends Common {
  readonly kind: 'other'
}

export type MemoryNode = MemoryFile | MemoryDirectory | MemoryLink | MemoryOther

/** A name in a directory; `path` is as the operator knows it. */
export interface MemoryPlace {
  readonly dir: MemoryDirectory
  readonly name: string
  readonly path: string
}

/** What a directory is said to take up: the fake's own number. */
const DIRECTORY_BYTES = 4096

export class MemoryDisk {
  readonly #now: () => number
  #lastInode = 0
  readonly top: MemoryDirectory
  /** Grows with each change of a name, content or time. */
  revision = 0

  /** `now` in microseconds since 1970: stamps what is made and changed. */
  constructor(needs: { readonly now: () => number }) {
    this.#now = needs.now
    this.top = this.newDirectory()
  }

  newFile(bytes: Uint8Array = new Uint8Array(), mtimeUs?: number): MemoryFile {
    const stamps = this.#stamps()
    return { kind: 'file', ...stamps, mtimeUs: mtimeUs ?? stamps.mtimeUs, bytes, synced: null }
  }

  newDirectory(): MemoryDirectory {
    return { kind: 'directory', ...this.#stamps(), children: new Map(), synced: new Map() }
  }

  newLink(target: string): MemoryLink {
    return { kind: 'link', ...this.#stamps(), target }
  }

  newOther(): MemoryOther {
    return { kind: 'other', ...this.#stamps() }
  }

  /** The directory at `names`. With `make`, what is missing on the way is made and synced. */
  directory(names: readonly string[], make = false): MemoryDirectory {
    let here = this.top
    names.forEach((name, i) => {
      const path = names.slice(0, i + 1).join('/')
      const child = here.children.get(name) ?? (make ? this.#makeSynced({ dir: here, name, path }) : undefined)
      if (child === undefined) throw fsError('missing', path, 'cannot enter the directory')
      if (child.kind !== 'directory') throw fsError('link-in-the-way', path, 'cannot enter the directory')
      here = child
    })
    return here
  }

  /** Puts `node` under a name, over what stands there. */
  put({ dir, name }: MemoryPlace, node: MemoryNode): void {
    dir.children.set(name, node)
    this.#touch(dir, node)
  }

  take({ dir, name }: MemoryPlace): MemoryNode | undefined {
    const node = dir.children.get(name)
    dir.children.delete(name)
    if (node !== undefined) this.#touch(dir, node)
    return node
  }

  /** The content or times of `node` have changed. */
  changed(node: MemoryNode, mtimeUs: number = this.#now()): void {
    this.revision++
    node.mtimeUs = mtimeUs
    node.ctimeUs = this.#now()
  }

  /** Everything so far survives a crash. */
  syncAll(from: MemoryDirectory = this.top): void {
    sync(from)
    for (const node of from.children.values()) {
      if (node.kind === 'directory') this.syncAll(node)
      else sync(node)
    }
  }

  usedBytes(from: MemoryDirectory = this.top): number {
    let used = 0
    for (const node of from.children.values()) {
      if (node.kind === 'directory') used += this.usedBytes(node)
      if (node.kind === 'file') used += node.bytes.byteLength
    }
    return used
  }

  #makeSynced(place: MemoryPlace): MemoryDirectory {
    const made = this.newDirectory()
    this.put(place, made)
    sync(place.dir)
    return made
  }

  #touch(dir: MemoryDirectory, node: MemoryNode): void {
    this.changed(dir)
    node.ctimeUs = this.#now()
  }

  #stamps(): Common {
    const now = this.#now()
    return { inode: ++this.#lastInode, mtimeUs: now, ctimeUs: now }
  }
}

/** Nodes that had a durable name once: a rename may not lose them. */
const named = new WeakSet<MemoryNode>()

/** fsync of one file or directory. */
export function sync(node: MemoryNode): void {
  if (node.kind === 'file') node.synced = { bytes: node.bytes.slice(), mtimeUs: node.mtimeUs }
  if (node.kind !== 'directory') return
  node.synced = new Map(node.children)
  for (const child of node.children.values()) named.add(child)
}

export function hadDurableName(node: MemoryNode): boolean {
  return named.has(node)
}

export function statOfNode(node: MemoryNode): Stat {
  const { kind, inode, mtimeUs, ctimeUs } = node
  return { kind, size: sizeOf(node), mtimeUs, ctimeUs, inode }
}

function sizeOf(node: MemoryNode): number {
  switch (node.kind) {
    case 'file':
      return node.bytes.byteLength
    case 'link':
      return Buffer.byteLength(node.target)
    case 'directory':
      return DIRECTORY_BYTES
    case 'other':
      return 0
    default:
      return assertNever(node)
  }
}

/** The order of the names' bytes, as on disk. */
export function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
