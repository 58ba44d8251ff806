/**
 * A Root in memory, on a virtual clock: for the engine's tests and for simulating whole clusters. It keeps the
 * promises of root.ts (both pass test/fs/root-compliance.ts); tests play the user through `user`, make operations
 * fail through `fail`, and crash or exchange the disk under it.
 */
import { type DirPath, type RelPath, type RootHash } from '../base/brand.ts'
import { sameStat, type Stat } from '../sync/entry.ts'
import { archiveName } from './archive-name.ts'
import { changedError, fsError } from './fs-errors.ts'
import { MemoryDisk, type MemoryFile, type MemoryNode, type MemoryPlace, statOfNode, sync } from './memory-disk.ts'
import { type FileOp, MemoryOpenFile, MemoryStagedFile } from './memory-file.ts'
import { MemoryUser } from './memory-user.ts'
import {
  type ArchivedFile,
  type FsErrorCode,
  type Installed,
  type Listing,
  type Marker,
  type OldFile,
  type OpenFile,
  type Root,
  type StagedFile,
} from './root.ts'

const META = '.sync'
const STAGING = [META, 'staging']
const ARCHIVE = [META, 'Archive']

/** The operations that a test can make fail: a Root's methods, those of its open files, and fsync inside them. */
export type MemoryOp = keyof Root | FileOp

export interface MemoryRootOptions {
  /** Bytes that fit; no limit when left out. */
  readonly capacityBytes?: number
  readonly minFreeBytes?: number
}

export interface MemoryRootNeeds {
  /** Microseconds since 1970. */
  readonly now: () => number
  /** Asked before each operation; a code makes it fail with nothing done. `path` may be a root hash or archive name. */
  readonly fail?: (op: MemoryOp, path: string) => FsErrorCode | null
}

export class MemoryRoot implements Root {
  readonly #options: MemoryRootOptions
  readonly #needs: MemoryRootNeeds
  readonly #staged = new Map<RootHash, Set<MemoryStagedFile>>()
  readonly #failed = new Set<RootHash>()
  /** What is mounted: a test may crash it, or put another in its place. */
  disk: MemoryDisk
  /** What a user of this host does, outside of isosyncd. */
  readonly user: MemoryUser

  constructor(options: MemoryRootOptions, needs: MemoryRootNeeds) {
    this.#options = options
    this.#needs = needs
    this.disk = new MemoryDisk(needs)
    this.user = new MemoryUser({ disk: () => this.disk })
  }

  async list(path: DirPath): Promise<Listing> {
    this.#check('list', path)
    const { children } = this.disk.directory(this.#names(path))
    const names = [...children.keys()].filter((name) => path !== '' || name !== META).sort(byBytes)
    return { children: names.map((name) => ({ name, stat: statOfNode(children.get(name)!) })), unusable: [] }
  }

  async stat(path: RelPath): Promise<Stat | null> {
    this.#check('stat', path)
    const node = this.#look(path)
    return node === null ? null : statOfNode(node)
  }

  async readLink(path: RelPath): Promise<string> {
    this.#check('readLink', path)
    const node = this.#node(this.#place(path))
    if (node.kind !== 'link') throw changedError(path)
    return node.target
  }

  async open(path: RelPath): Promise<OpenFile> {
    this.#check('open', path)
    return this.#openFile(this.#place(path))
  }

  async readMarker(): Promise<Marker | null> {
    this.#check('readMarker', META)
    const text = this.#readMeta('folder.json')
    return text === null ? null : (JSON.parse(text) as Marker)
  }

  async writeMarker({ folder, replica }: Marker): Promise<void> {
    this.#check('writeMarker', META)
    this.#writeMeta('folder.json', JSON.stringify({ folder, replica }))
  }

  async readIgnoreList(defaultText: string): Promise<string> {
    this.#check('readIgnoreList', META)
    const text = this.#readMeta('IgnoreList')
    if (text === null) this.#writeMeta('IgnoreList', defaultText)
    return text ?? defaultText
  }

  async openStaged(root: RootHash): Promise<StagedFile> {
    this.#check('openStaged', root)
    const dir = this.disk.directory(STAGING, true)
    const place = { dir, name: root, path: root }
    if (!dir.children.has(root)) this.disk.put(place, this.disk.newFile())
    const file = new MemoryStagedFile(this.#node(place) as MemoryFile, this.#fileNeeds(root))
    this.#staged.set(root, (this.#staged.get(root) ?? new Set()).add(file))
    return file
  }

  async listStaged(): Promise<readonly RootHash[]> {
    this.#check('listStaged', META)
    return [...this.disk.directory(STAGING, true).children.keys()].sort() as RootHash[]
  }

  async dropStaged(root: RootHash): Promise<void> {
    this.#check('dropStaged', root)
    this.disk.take({ dir: this.disk.directory(STAGING, true), name: root, path: root })
    this.#failed.delete(root)
  }

  async install(
    root: RootHash,
    path: RelPath,
    mtimeUs: number,
    expected: Stat | null,
    old: OldFile,
  ): Promise<Installed> {
    this.#check('install', path)
    const place = this.#place(path, true)
    const staged = this.#sealStaged(root)
    const node = this.#node(staged)
    this.disk.changed(node, mtimeUs)
    this.#syncStaged(root, node)
    const archived = this.#takeOld(place, expected, old)
    this.disk.take(staged)
    this.disk.put(place, node)
    sync(place.dir)
    return { stat: statOfNode(node), archived }
  }

  async move(from: RelPath, to: RelPath, expectedAt: Stat, mtimeUs: number | null): Promise<Stat> {
    this.#check('move', from)
    const source = this.#place(from)
    const node = this.#movable(source, expectedAt)
    const target = this.#place(to, true)
    this.#checkFree(target)
    this.disk.take(source)
    this.disk.put(target, node)
    if (mtimeUs !== null && node.kind === 'file') this.#stamp(node, mtimeUs)
    sync(target.dir)
    sync(source.dir)
    return statOfNode(node)
  }

  async remove(path: RelPath, expected: Stat, old: OldFile): Promise<ArchivedFile | null> {
    this.#check('remove', path)
    const place = this.#place(path)
    this.#movable(place, expected)
    const archived = this.#takeOld(place, expected, old)
    sync(place.dir)
    return archived
  }

  async makeDirectory(path: RelPath): Promise<Stat> {
    this.#check('makeDirectory', path)
    const place = this.#place(path, true)
    const there = place.dir.children.get(place.name)
    if (there !== undefined && there.kind !== 'directory') throw changedError(path)
    return statOfNode(this.disk.directory(path.split('/'), true))
  }

  async removeDirectory(path: RelPath): Promise<void> {
    this.#check('removeDirectory', path)
    const place = this.#place(path)
    this.#removeEmpty(place, this.#node(place))
    sync(place.dir)
  }

  async makeLink(path: RelPath, target: string, expected: Stat | null, old: OldFile): Promise<Installed> {
    this.#check('makeLink', path)
    const place = this.#place(path, true)
    const archived = this.#takeOld(place, expected, old)
    const link = this.disk.newLink(target)
    this.disk.put(place, link)
    sync(place.dir)
    return { stat: statOfNode(link), archived }
  }

  async setMtime(path: RelPath, mtimeUs: number, expected: Stat): Promise<Stat> {
    this.#check('setMtime', path)
    const place = this.#place(path)
    this.#checkExpected(place, expected)
    const node = this.#node(place)
    if (node.kind !== 'file') throw changedError(path)
    this.#stamp(node, mtimeUs)
    return statOfNode(node)
  }

  async listArchive(): Promise<readonly ArchivedFile[]> {
    this.#check('listArchive', META)
    const found: ArchivedFile[] = []
    const visit = (names: readonly string[]) => {
      const { children } = this.disk.directory([...ARCHIVE, ...names], true)
      for (const [name, node] of [...children].sort(([a], [b]) => byBytes(a, b))) {
        if (node.kind === 'directory') visit([...names, name])
        else found.push({ name: [...names, name].join('/'), stat: statOfNode(node) })
      }
    }
    visit([])
    return found
  }

  async openArchived(name: string): Promise<OpenFile> {
    this.#check('openArchived', name)
    return this.#openFile(this.#archived(name))
  }

  async restore(name: string, path: RelPath): Promise<Stat> {
    this.#check('restore', path)
    const from = this.#archived(name)
    const node = this.#node(from)
    const place = this.#place(path, true)
    this.#checkFree(place)
    this.disk.take(from)
    this.disk.put(place, node)
    sync(place.dir)
    this.#forgetArchived(from)
    return statOfNode(node)
  }

  async purgeArchived(name: string): Promise<void> {
    this.#check('purgeArchived', name)
    const place = this.#archived(name)
    this.#node(place)
    this.disk.take(place)
    this.#forgetArchived(place)
  }

  async freeBytes(): Promise<number> {
    this.#check('freeBytes', '')
    return Math.max(0, this.#roomBytes() - (this.#options.minFreeBytes ?? 0))
  }

  #check(op: MemoryOp, path: string): void {
    const code = this.#needs.fail?.(op, path) ?? null
    if (code !== null) throw fsError(code, path, `cannot ${op}`)
  }

  #names(path: DirPath): string[] {
    if (path === META || path.startsWith(`${META}/`)) throw fsError('denied', path, 'kept for isosyncd itself')
    return path === '' ? [] : path.split('/')
  }

  #place(path: RelPath, make = false): MemoryPlace {
    const names = this.#names(path)
    const name = names.pop() ?? ''
    return { dir: this.disk.directory(names, make), name, path }
  }

  #node(place: MemoryPlace): MemoryNode {
    const node = place.dir.children.get(place.name)
    if (node === undefined) throw fsError('missing', place.path, 'cannot find it')
    return node
  }

  /** A missing parent, or a file in its place, means nothing; a link in its place is trouble. */
  #look(path: RelPath): MemoryNode | null {
    const names = this.#names(path)
    let node: MemoryNode | undefined = this.disk.top
    for (const [i, name] of names.entries()) {
      if (node?.kind === 'link')
        throw fsError('link-in-the-way', names.slice(0, i).join('/'), 'cannot enter the directory')
      if (node?.kind !== 'directory') return null
      node = node.children.get(name)
    }
    return node ?? null
  }

  #openFile(place: MemoryPlace): OpenFile {
    const node = this.#node(place)
    if (node.kind !== 'file') throw changedError(place.path)
    return new MemoryOpenFile(node, this.#fileNeeds(place.path))
  }

  #fileNeeds(path: string): ConstructorParameters<typeof MemoryOpenFile>[1] {
    return {
      disk: this.disk,
      check: (op) => {
        if (op === 'sync') this.#checkSync(path)
        else this.#check(op, path)
      },
      reserve: (bytes) => {
        if (bytes > this.#roomBytes()) throw fsError('no-space', path, 'cannot write to it')
      },
    }
  }

  /** Once a sync has failed, the staged content is never to be trusted again. */
  #checkSync(root: string): void {
    try {
      this.#check('sync', root)
    } catch (error) {
      this.#failed.add(root as RootHash)
      throw error
    }
  }

  #sealStaged(root: RootHash): MemoryPlace {
    const place = { dir: this.disk.directory(STAGING, true), name: root, path: root }
    if (this.#failed.delete(root)) {
      this.disk.take(place)
      throw fsError('io', root, 'it could not be written out to disk; it is fetched again')
    }
    for (const file of this.#staged.get(root) ?? []) file.seal()
    this.#staged.delete(root)
    return place
  }

  #syncStaged(root: RootHash, node: MemoryNode): void {
    try {
      this.#check('sync', root)
    } catch (error) {
      this.disk.take({ dir: this.disk.directory(STAGING), name: root, path: root })
      throw error
    }
    sync(node)
  }

  #checkExpected(place: MemoryPlace, expected: Stat | null): void {
    const node = place.dir.children.get(place.name)
    const same = node === undefined || expected === null ? !node && !expected : sameStat(statOfNode(node), expected)
    if (!same) throw changedError(place.path)
  }

  #checkFree(place: MemoryPlace): void {
    if (place.dir.children.has(place.name)) throw changedError(place.path)
  }

  #movable(place: MemoryPlace, expected: Stat): MemoryNode {
    this.#checkExpected(place, expected)
    if (expected.kind !== 'file' && expected.kind !== 'link') throw changedError(place.path)
    return this.#node(place)
  }

  #takeOld(place: MemoryPlace, expected: Stat | null, old: OldFile): ArchivedFile | null {
    this.#checkExpected(place, expected)
    if (expected === null) return null
    if (expected.kind === 'other') throw changedError(place.path)
    const node = this.#node(place)
    if (node.kind === 'directory') this.#removeEmpty(place, node)
    else this.disk.take(place)
    return node.kind === 'file' && old.to === 'archive' ? this.#archive(place, node, old.nowMs) : null
  }

  #archive(from: MemoryPlace, node: MemoryNode, nowMs: number): ArchivedFile {
    const parents = from.path.split('/').slice(0, -1)
    const dir = this.disk.directory([...ARCHIVE, ...parents], true)
    let number = 0
    while (dir.children.has(archiveName(from.name, nowMs, number))) number++
    const name = archiveName(from.name, nowMs, number)
    const path = [...parents, name].join('/')
    this.disk.put({ dir, name, path }, node)
    sync(dir)
    return { name: path, stat: statOfNode(node) }
  }

  #archived(path: string): MemoryPlace {
    const names = path.split('/')
    const name = names.pop() ?? ''
    return { dir: this.disk.directory([...ARCHIVE, ...names]), name, path }
  }

  /** A file has left the archive: its directories go with their last. */
  #forgetArchived({ dir, path }: MemoryPlace): void {
    sync(dir)
    const names = path.split('/').slice(0, -1)
    for (let name = names.pop(); name !== undefined; name = names.pop()) {
      const above = { dir: this.disk.directory([...ARCHIVE, ...names]), name, path: name }
      const node = above.dir.children.get(name)
      if (node?.kind !== 'directory' || node.children.size > 0) return
      this.disk.take(above)
      sync(above.dir)
    }
  }

  #removeEmpty(place: MemoryPlace, node: MemoryNode): void {
    if (node.kind !== 'directory') throw fsError('link-in-the-way', place.path, 'cannot remove the directory')
    if (node.children.size > 0) throw fsError('not-empty', place.path, 'cannot remove the directory')
    this.disk.take(place)
  }

  #stamp(node: MemoryNode, mtimeUs: number): void {
    this.disk.changed(node, mtimeUs)
    sync(node)
  }

  #readMeta(name: string): string | null {
    const meta = this.disk.top.children.get(META)
    const node = meta?.kind === 'directory' ? meta.children.get(name) : undefined
    return node?.kind === 'file' ? Buffer.from(node.bytes).toString() : null
  }

  #writeMeta(name: string, text: string): void {
    const dir = this.disk.directory([META], true)
    const file = this.disk.newFile(Buffer.from(text))
    sync(file)
    this.disk.put({ dir, name, path: name }, file)
    sync(dir)
  }

  #roomBytes(): number {
    return (this.#options.capacityBytes ?? Number.MAX_SAFE_INTEGER) - this.disk.usedBytes()
  }
}

/** The order of the names' bytes, as on disk. */
function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
