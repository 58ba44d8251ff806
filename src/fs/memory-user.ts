/** The user of a MemoryRoot: changes files behind isosyncd's back, as people, scp and web servers do. */
import { type MemoryDisk, type MemoryNode, type MemoryPlace } from './memory-disk.ts'

export class MemoryUser {
  readonly #disk: () => MemoryDisk

  constructor(needs: { readonly disk: () => MemoryDisk }) {
    this.#disk = needs.disk
  }

  /** Writes a file whole. One that is there is written in place: its inode stays. Makes directories. */
  write(path: string, bytes: Uint8Array | string, mtimeUs?: number): void {
    const content = Uint8Array.from(Buffer.from(bytes))
    const place = this.#place(path, true)
    const there = place.dir.children.get(place.name)
    if (there?.kind !== 'file') return this.#disk().put(place, this.#disk().newFile(content, mtimeUs))
    there.bytes = content
    this.#disk().changed(there, mtimeUs)
  }

  makeDirectory(path: string): void {
    this.#disk().directory(path.split('/'), true)
  }

  link(path: string, target: string): void {
    this.#disk().put(this.#place(path, true), this.#disk().newLink(target))
  }

  /** A socket, pipe or device. */
  makeOther(path: string): void {
    this.#disk().put(this.#place(path, true), this.#disk().newOther())
  }

  /** Deletes a file, a link, or a directory with all that is in it. */
  delete(path: string): void {
    this.#disk().take(this.#place(path))
  }

  /** Renames, over what stands at `to`. */
  rename(from: string, to: string): void {
    const node = this.#disk().take(this.#place(from))
    if (node !== undefined) this.#disk().put(this.#place(to, true), node)
  }

  /** The bytes of a file; null where none is. */
  read(path: string): Buffer | null {
    const node = this.#node(path)
    return node?.kind === 'file' ? Buffer.from(node.bytes) : null
  }

  /** Flips a bit without a trace in the stat: rot. */
  rot(path: string, position: number): void {
    const node = this.#node(path)
    if (node?.kind !== 'file') return
    node.bytes[position] = (node.bytes[position] ?? 0) ^ 1
    this.#disk().revision++
  }

  #node(path: string): MemoryNode | undefined {
    const { dir, name } = this.#place(path)
    return dir.children.get(name)
  }

  #place(path: string, make = false): MemoryPlace {
    const names = path.split('/')
    const name = names.pop() ?? ''
    return { dir: this.#disk().directory(names, make), name, path }
  }
}
