/** The small files in .sync of a MemoryDisk: marker and ignore list. */
import { type MemoryDisk, sync } from './memory-disk.ts'
import { META } from './memory-tree.ts'

/** The text of a file in .sync; null where there is none. Makes nothing. */
export function readMeta(disk: MemoryDisk, name: string): string | null {
  const meta = disk.top.children.get(META)
  const node = meta?.kind === 'directory' ? meta.children.get(name) : undefined
  return node?.kind === 'file' ? Buffer.from(node.bytes).toString() : null
}

/** Replaces it whole, synced. */
export function writeMeta(disk: MemoryDisk, name: string, text: string): void {
  const dir = disk.directory([META], true)
  const file = disk.newFile(Buffer.from(text))
  sync(file)
  disk.put({ dir, name, path: name }, file)
  sync(dir)
}
