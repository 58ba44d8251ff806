/** What stands on a simulated disk, read past the daemon. */
import { type MemoryDirectory, type MemoryDisk, type MemoryFile, type MemoryNode } from '../../src/fs/memory-disk.ts'
import { META } from '../../src/fs/memory-tree.ts'

interface Shown {
  readonly revision: number
  readonly tree: ReadonlyMap<string, MemoryNode>
  readonly archive: readonly MemoryFile[]
}

/** What a disk showed when it was last looked at: most looks find it unchanged. */
const shown = new WeakMap<MemoryDisk, Shown>()

/** All of the tree but isosyncd's own directory, by path, parents first, in the order of the names. */
export function treeOf(disk: MemoryDisk): ReadonlyMap<string, MemoryNode> {
  return look(disk).tree
}

/** The files in the archive. */
export function archivedIn(disk: MemoryDisk): readonly MemoryFile[] {
  return look(disk).archive
}

function look(disk: MemoryDisk): Shown {
  const known = shown.get(disk)
  if (known?.revision === disk.revision) return known
  const { revision } = disk
  const now: Shown = { revision, tree: walked(disk.top), archive: archived(disk) }
  shown.set(disk, now)
  return now
}

function archived(disk: MemoryDisk): readonly MemoryFile[] {
  const meta = disk.top.children.get(META)
  const archive = meta?.kind === 'directory' ? meta.children.get('Archive') : undefined
  if (archive?.kind !== 'directory') return []
  return [...walked(archive).values()].filter((node) => node.kind === 'file')
}

/** All that is below a directory, but isosyncd's own. */
export function walked(dir: MemoryDirectory): Map<string, MemoryNode> {
  const found = new Map<string, MemoryNode>()
  walk(dir, '', found)
  return found
}

function walk(dir: MemoryDirectory, above: string, found: Map<string, MemoryNode>): void {
  for (const [name, node] of [...dir.children].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (above === '' && name === META) continue
    const path = above === '' ? name : `${above}/${name}`
    found.set(path, node)
    if (node.kind === 'directory') walk(node, path, found)
  }
}
