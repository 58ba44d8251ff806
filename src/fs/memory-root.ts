/**
 * A Root in memory, on a virtual clock: for the engine's tests and for simulating whole clusters. It keeps the
 * promises of root.ts (both pass test/fs/root-compliance.ts); tests play the user through `user`, make operations
 * fail through `fail`, and crash or exchange the disk under it.
 */
import { type DirPath, type RelPath, type RootHash } from '../base/brand.ts'
import { type Stat } from '../sync/entry.ts'
import { changedError, fsError, notTrustedError } from './fs-errors.ts'
import { MemoryArchive } from './memory-archive.ts'
import { byBytes, MemoryDisk, type MemoryPlace, statOfNode, sync } from './memory-disk.ts'
import { type FileOp, MemoryOpenFile } from './memory-file.ts'
import { readMeta, writeMeta } from './memory-meta.ts'
import { MemoryStaging } from './memory-staging.ts'
import { META, MemoryTree } from './memory-tree.ts'
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
  type Staged,
  type StagedFile,
} from './root.ts'

/** The operations that a test can make fail: a Root's methods, those of its open files, and fsync inside them. */
export type MemoryOp = keyof Root | FileOp

/** What makes, changes or removes something in the tree. */
export const TREE_CHANGES: ReadonlySet<MemoryOp> = new Set([
  'install',
  'move',
  'remove',
  'makeDirectory',
  'removeDirectory',
  'makeLink',
  'setMtime',
  'restore',
] as const)

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
  /** Called between the steps of an operation that has several: a test may crash the disk there, and throw. */
  readonly step?: () => void
}

export class MemoryRoot implements Root {
  readonly #options: MemoryRootOptions
  readonly #needs: MemoryRootNeeds
  readonly #staging: MemoryStaging
  readonly #archive: MemoryArchive
  readonly #tree: MemoryTree
  readonly #seenOn = new WeakMap<Marker, MemoryDisk>()
  #trusted: MemoryDisk | null = null
  /** What is mounted: a test may crash it, or put another in its place. */
  disk: MemoryDisk
  /** What a user of this host does, outside of isosyncd. */
  readonly user: MemoryUser

  constructor(options: MemoryRootOptions, needs: MemoryRootNeeds) {
    this.#options = options
    this.#needs = needs
    this.disk = new MemoryDisk(needs)
    const disk = () => this.disk
    this.user = new MemoryUser({ disk })
    this.#archive = new MemoryArchive({ disk })
    this.#tree = new MemoryTree({ disk, archive: this.#archive })
    this.#staging = new MemoryStaging({
      disk,
      check: (op, path) => this.#check(op, path),
      reserve: (bytes, path) => this.#reserve(bytes, path),
    })
  }

  async list(path: DirPath): Promise<Listing> {
    this.#check('list', path)
    const { children } = this.disk.directory(this.#tree.names(path))
    const names = [...children.keys()].filter((name) => path !== '' || name !== META).sort(byBytes)
    return { children: names.map((name) => ({ name, stat: statOfNode(children.get(name)!) })), unusable: [] }
  }

  async stat(path: RelPath): Promise<Stat | null> {
    this.#check('stat', path)
    const node = this.#tree.look(path)
    return node === null ? null : statOfNode(node)
  }

  async readLink(path: RelPath): Promise<string> {
    this.#check('readLink', path)
    const node = this.#tree.node(this.#tree.place(path))
    if (node.kind !== 'link') throw changedError(path)
    return node.target
  }

  async open(path: RelPath): Promise<OpenFile> {
    this.#check('open', path)
    return this.#openFile(this.#tree.place(path))
  }

  async readMarker(): Promise<Marker | null> {
    this.#check('readMarker', META)
    const text = readMeta(this.disk, 'folder.json')
    if (text === null) return null
    const marker = JSON.parse(text) as Marker
    this.#seenOn.set(marker, this.disk)
    return marker
  }

  async writeMarker(marker: Marker): Promise<void> {
    this.#check('writeMarker', META)
    const { folder, replica } = marker
    writeMeta(this.disk, 'folder.json', JSON.stringify({ folder, replica }))
    this.#seenOn.set(marker, this.disk)
  }

  trust(marker: Marker): void {
    this.#trusted = this.#seenOn.get(marker) ?? null
  }

  async readIgnoreList(defaultText: string): Promise<string> {
    this.#check('readIgnoreList', META)
    const text = readMeta(this.disk, 'IgnoreList')
    if (text === null) writeMeta(this.disk, 'IgnoreList', defaultText)
    return text ?? defaultText
  }

  async openStaged(root: RootHash): Promise<StagedFile> {
    this.#check('openStaged', root)
    return this.#staging.open(root)
  }

  async renameStaged(from: RootHash, to: RootHash): Promise<void> {
    this.#check('renameStaged', from)
    this.#staging.rename(from, to)
  }

  async listStaged(): Promise<readonly RootHash[]> {
    this.#check('listStaged', META)
    return this.#staging.list()
  }

  async dropStaged(root: RootHash): Promise<void> {
    this.#check('dropStaged', root)
    this.#staging.drop(root)
  }

  async dropLeftovers(): Promise<void> {
    this.#check('dropLeftovers', META) // links are made in one step here: nothing is left over
  }

  async install(
    staged: Staged,
    path: RelPath,
    mtimeUs: number,
    expected: Stat | null,
    old: OldFile,
  ): Promise<Installed> {
    this.#check('install', path)
    const place = this.#tree.place(path, true)
    const root = typeof staged === 'string' ? staged : staged.root
    if (typeof staged !== 'string') this.#staging.write(staged)
    this.#step()
    const node = this.#staging.seal(root, mtimeUs)
    this.#step()
    const archived = this.#tree.takeOld(place, expected, old)
    this.#step()
    this.disk.put(place, node)
    this.#staging.drop(root)
    this.#syncBoth(archived, place)
    return { stat: statOfNode(node), archived }
  }

  async move(from: RelPath, to: RelPath, expectedAt: Stat, mtimeUs: number | null): Promise<Stat> {
    this.#check('move', from)
    const source = this.#tree.place(from)
    const node = this.#tree.movable(source, expectedAt)
    const target = this.#tree.place(to, true)
    this.#tree.checkFree(target)
    this.disk.take(source)
    this.disk.put(target, node)
    if (mtimeUs !== null && node.kind === 'file') this.#tree.stamp(node, mtimeUs)
    this.#step()
    sync(target.dir)
    this.#step()
    sync(source.dir)
    return statOfNode(node)
  }

  async remove(path: RelPath, expected: Stat, old: OldFile): Promise<ArchivedFile | null> {
    this.#check('remove', path)
    const place = this.#tree.place(path)
    this.#tree.movable(place, expected)
    const archived = this.#tree.takeOld(place, expected, old)
    this.#syncBoth(archived, place)
    return archived
  }

  async makeDirectory(path: RelPath): Promise<Stat> {
    this.#check('makeDirectory', path)
    const place = this.#tree.place(path, true)
    const there = place.dir.children.get(place.name)
    if (there !== undefined && there.kind !== 'directory') throw changedError(path)
    return statOfNode(this.disk.directory(path.split('/'), true))
  }

  async removeDirectory(path: RelPath): Promise<void> {
    this.#check('removeDirectory', path)
    const place = this.#tree.place(path)
    this.#tree.removeEmpty(place, this.#tree.node(place))
    sync(place.dir)
  }

  async makeLink(path: RelPath, target: string, expected: Stat | null, old: OldFile): Promise<Installed> {
    this.#check('makeLink', path)
    const place = this.#tree.place(path, true)
    const archived = this.#tree.takeOld(place, expected, old)
    this.#step()
    const link = this.disk.newLink(target)
    this.disk.put(place, link)
    this.#syncBoth(archived, place)
    return { stat: statOfNode(link), archived }
  }

  async setMtime(path: RelPath, mtimeUs: number, expected: Stat): Promise<Stat> {
    this.#check('setMtime', path)
    const place = this.#tree.place(path)
    this.#tree.checkExpected(place, expected)
    const node = this.#tree.node(place)
    if (node.kind !== 'file') throw changedError(path)
    this.#tree.stamp(node, mtimeUs)
    return statOfNode(node)
  }

  async listArchive(): Promise<readonly ArchivedFile[]> {
    this.#check('listArchive', META)
    return this.#archive.list()
  }

  async openArchived(name: string): Promise<OpenFile> {
    this.#check('openArchived', name)
    return this.#openFile(this.#archive.place(name))
  }

  async restore(name: string, path: RelPath): Promise<Stat> {
    this.#check('restore', path)
    const from = this.#archive.place(name)
    const node = this.#tree.node(from)
    const place = this.#tree.place(path, true)
    this.#tree.checkFree(place)
    this.disk.put(place, node)
    sync(place.dir)
    this.#archive.take(from)
    return statOfNode(node)
  }

  async purgeArchived(name: string): Promise<void> {
    this.#check('purgeArchived', name)
    const place = this.#archive.place(name)
    this.#tree.node(place)
    this.#archive.take(place)
  }

  async assertWritable(): Promise<void> {
    this.#check('assertWritable', META)
    this.#reserve(1, META)
  }

  async freeBytes(): Promise<number> {
    this.#check('freeBytes', '')
    return Math.max(0, this.#roomBytes() - (this.#options.minFreeBytes ?? 0))
  }

  /** The archive first: a crash between the two must not lose the old file. */
  #syncBoth(archived: ArchivedFile | null, place: MemoryPlace): void {
    this.#step()
    this.#archive.syncAround(archived)
    this.#step()
    sync(place.dir)
  }

  #step(): void {
    this.#needs.step?.()
  }

  #check(op: MemoryOp, path: string): void {
    const code = this.#needs.fail?.(op, path) ?? null
    if (code !== null) throw fsError(code, path, `cannot ${op}`)
    if (TREE_CHANGES.has(op) && this.#trusted !== null && this.disk !== this.#trusted) throw notTrustedError(path)
  }

  #openFile(place: MemoryPlace): OpenFile {
    const node = this.#tree.node(place)
    if (node.kind !== 'file') throw changedError(place.path)
    return new MemoryOpenFile(node, {
      disk: this.disk,
      check: (op) => this.#check(op, place.path),
      reserve: (bytes) => this.#reserve(bytes, place.path),
    })
  }

  #reserve(bytes: number, path: string): void {
    if (bytes > this.#roomBytes()) throw fsError('no-space', path, 'cannot write to it')
  }

  #roomBytes(): number {
    return (this.#options.capacityBytes ?? Number.MAX_SAFE_INTEGER) - this.disk.usedBytes()
  }
}
