/** The tree of MemoryRoot: places, and the checks before anything in it is changed. */
import { type DirPath, type RelPath } from '../base/brand.ts'
import { sameStat, type Stat } from '../sync/entry.ts'
import { changedError, fsError } from './fs-errors.ts'
import { type MemoryArchive } from './memory-archive.ts'
import { type MemoryDisk, type MemoryNode, type MemoryPlace, statOfNode, sync } from './memory-disk.ts'
import { type ArchivedFile, type OldFile } from './root.ts'

/** Not part of the tree. */
export const META = '.sync'

export class MemoryTree {
  readonly #needs: { readonly disk: () => MemoryDisk; readonly archive: MemoryArchive }

  constructor(needs: { readonly disk: () => MemoryDisk; readonly archive: MemoryArchive }) {
    this.#needs = needs
  }

  names(path: DirPath): string[] {
    if (path === META || path.startsWith(`${META}/`)) throw fsError('denied', path, 'kept for isosyncd itself')
    return path === '' ? [] : path.split('/')
  }

  /** The place of `path`; with `make`, its directories are made. */
  place(path: RelPath, make = false): MemoryPlace {
    const names = this.names(path)
    const name = names.pop() ?? ''
    return { dir: this.#needs.disk().directory(names, make), name, path }
  }

  /** What stands at the place; 'missing' otherwise. */
  node(place: MemoryPlace): MemoryNode {
    const node = place.dir.children.get(place.name)
    if (node === undefined) throw fsError('missing', place.path, 'cannot find it')
    return node
  }

  /** A missing parent, or a file in its place, means nothing; a link in its place is trouble. */
  look(path: RelPath): MemoryNode | null {
    const names = this.names(path)
    let node: MemoryNode | undefined = this.#needs.disk().top
    for (const [i, name] of names.entries()) {
      if (node?.kind === 'link')
        throw fsError('link-in-the-way', names.slice(0, i).join('/'), 'cannot enter the directory')
      if (node?.kind !== 'directory') return null
      node = node.children.get(name)
    }
    return node ?? null
  }

  /** Throws 'changed' unless exactly what `expected` says stands there. */
  checkExpected(place: MemoryPlace, expected: Stat | null): void {
    const node = place.dir.children.get(place.name)
    const same = node === undefined || expected === null ? !node && !expected : sameStat(statOfNode(node), expected)
    if (!same) throw changedError(place.path)
  }

  checkFree(place: MemoryPlace): void {
    if (place.dir.children.has(place.name)) throw changedError(place.path)
  }

  /** The file or link at the place, if it is what `expected` says. */
  movable(place: MemoryPlace, expected: Stat): MemoryNode {
    this.checkExpected(place, expected)
    if (expected.kind !== 'file' && expected.kind !== 'link') throw changedError(place.path)
    return this.node(place)
  }

  /** Makes room for something new; gives the archived file if one is kept. */
  takeOld(place: MemoryPlace, expected: Stat | null, old: OldFile): ArchivedFile | null {
    this.checkExpected(place, expected)
    if (expected === null) return null
    if (expected.kind === 'other') throw changedError(place.path)
    const node = this.node(place)
    if (node.kind === 'directory') this.removeEmpty(place, node)
    else this.#needs.disk().take(place)
    return node.kind === 'file' && old.to === 'archive' ? this.#needs.archive.put(place, node, old.nowMs) : null
  }

  removeEmpty(place: MemoryPlace, node: MemoryNode): void {
    if (node.kind !== 'directory') throw fsError('link-in-the-way', place.path, 'cannot remove the directory')
    if (node.children.size > 0) throw fsError('not-empty', place.path, 'cannot remove the directory')
    this.#needs.disk().take(place)
  }

  /** Sets the mtime, synced. */
  stamp(node: MemoryNode, mtimeUs: number): void {
    this.#needs.disk().changed(node, mtimeUs)
    sync(node)
  }
}
