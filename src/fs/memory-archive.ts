/** The archive of MemoryRoot: the directory .sync/Archive of its disk. */
import { archiveName } from './archive-name.ts'
import { byBytes, type MemoryDisk, type MemoryNode, type MemoryPlace, statOfNode, sync } from './memory-disk.ts'
import { type ArchivedFile } from './root.ts'

const ARCHIVE = ['.sync', 'Archive']

export class MemoryArchive {
  readonly #disk: () => MemoryDisk

  constructor(needs: { readonly disk: () => MemoryDisk }) {
    this.#disk = needs.disk
  }

  list(): ArchivedFile[] {
    const found: ArchivedFile[] = []
    this.#listBelow([], found)
    return found
  }

  /** The place of an archived file, whose directory must be there. */
  place(path: string): MemoryPlace {
    const names = path.split('/')
    const name = names.pop() ?? ''
    return { dir: this.#disk().directory([...ARCHIVE, ...names]), name, path }
  }

  /** Puts a file that was at `from` into the archive, under a name of its own. `syncAround` makes it durable. */
  put(from: MemoryPlace, node: MemoryNode, nowMs: number): ArchivedFile {
    const parents = from.path.split('/').slice(0, -1)
    const dir = this.#disk().directory([...ARCHIVE, ...parents], true)
    let number = 0
    while (dir.children.has(archiveName(from.name, nowMs, number))) number++
    const name = archiveName(from.name, nowMs, number)
    const path = [...parents, name].join('/')
    this.#disk().put({ dir, name, path }, node)
    return { name: path, stat: statOfNode(node) }
  }

  syncAround(archived: ArchivedFile | null): void {
    if (archived !== null) sync(this.place(archived.name).dir)
  }

  /** Takes a file out. Its directories go with their last. */
  take(place: MemoryPlace): void {
    this.#disk().take(place)
    sync(place.dir)
    const names = place.path.split('/').slice(0, -1)
    for (let name = names.pop(); name !== undefined; name = names.pop()) {
      const dir = this.#disk().directory([...ARCHIVE, ...names])
      const node = dir.children.get(name)
      if (node?.kind !== 'directory' || node.children.size > 0) return
      this.#disk().take({ dir, name, path: name })
      sync(dir)
    }
  }

  #listBelow(names: readonly string[], found: ArchivedFile[]): void {
    const { children } = this.#disk().directory([...ARCHIVE, ...names], true)
    for (const [name, node] of [...children].sort(([a], [b]) => byBytes(a, b))) {
      if (node.kind === 'directory') this.#listBelow([...names, name], found)
      else found.push({ name: [...names, name].join('/'), stat: statOfNode(node) })
    }
  }
}
