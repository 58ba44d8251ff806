/** Copies of a host's index and disk, to be put back a day later by an operator who means well. */
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type MemoryDirectory, type MemoryDisk, type MemoryNode, sync } from '../../src/fs/memory-disk.ts'

/** SQLite's own files of an index. */
const PARTS = ['', '-wal']

/** Where the indexes of one seed lie, if they lie in files: in memory, where there is such a place. */
export class IndexFiles {
  readonly #dir: string
  #count = 0

  constructor() {
    this.#dir = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'isosyncd-sim-'))
  }

  newPath(): string {
    return join(this.#dir, `${this.#count++}.db`)
  }

  /** A copy, as a snapshot of the filesystem would take it. */
  copy(path: string): string {
    const to = this.newPath()
    for (const part of PARTS) if (existsSync(path + part)) copyFileSync(path + part, to + part)
    return to
  }

  remove(): void {
    rmSync(this.#dir, { recursive: true })
  }
}

/** A copy of all that is on a disk; inodes and times are kept. */
export function copyOfDisk(disk: MemoryDisk): MemoryDirectory {
  return copyOfDirectory(disk.top)
}

/** The copy stays good for another time. */
export function putBack(disk: MemoryDisk, copy: MemoryDirectory): void {
  disk.top.children = copyOfDirectory(copy).children
  disk.revision++
  disk.syncAll()
}

function copyOfDirectory(dir: MemoryDirectory): MemoryDirectory {
  const children = new Map([...dir.children].map(([name, node]) => [name, copyOfNode(node)]))
  return { ...dir, children, synced: new Map(children) }
}

function copyOfNode(node: MemoryNode): MemoryNode {
  if (node.kind === 'directory') return copyOfDirectory(node)
  const copy = node.kind === 'file' ? { ...node, bytes: node.bytes.slice() } : { ...node }
  sync(copy)
  return copy
}
