/** What stands on a simulated disk, read past the daemon. */
import { type MemoryDirectory, type MemoryDisk, type MemoryFile, type MemoryNode } from '../../src/fs/memory-disk.ts'
import { META } from '../../src/fs/memory-tree.ts'

/** All of the tree but isosyncd's own directory, by path, parents first, in the order of the names. */
export function treeOf(disk: MemoryDisk): ReadonlyMap<string, MemoryNode> {
  const found = new Map<string, MemoryNode>()
  walk(disk.top, '', found)
  return found
}

/** The files in the archive. */
export function archivedIn(disk: MemoryDisk): readonly MemoryFile[] {
  const meta = disk.top.children.get(META)
  const archive = meta?.kind === 'directory' ? meta.children.get('Archive') : undefined
  if (archive?.kind !== 'directory') return []
  const found = new Map<string, MemoryNode>()
  walk(archive, '', found)
  return [...found.values()].filter((node) => node.kind === 'file')
}

function walk(dir: MemoryDirectory, above: string, found: Map<string, MemoryNode>): void {
  for (const [name, node] of [...dir.children].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (above === '' && name === META) continue
    const path = above === '' ? name : `${above}/${name}`
    found.set(path, node)
    if (node.kind === 'directory') walk(node, path, found)
  }
}
