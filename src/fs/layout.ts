/**
 * Where things lie, and the handles to them:
 *
 *     dir/                 the tree: everything but .sync
 *     dir/.sync/           meta_dir, or elsewhere on the same filesystem
 *       folder.json        the marker
 *       IgnoreList
 *       staging/<root hash>
 *       Archive/<path>.<time>
 */
import { mkdir } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { assert } from '../base/assert.ts'
import { type DirPath, type RelPath } from '../base/brand.ts'
import { attempt } from './fs-errors.ts'
import { descend, descendIfThere, DirHandle, isNothing, type Leaf } from './handles.ts'
import { descendMaking } from './make-directories.ts'
import { type Ownership } from './ownership.ts'
import { FsError } from './root.ts'
import { SharedHandles } from './shared-handles.ts'

/** Never part of the tree, whether or not meta_dir is elsewhere. */
export const META_NAME = '.sync'
const STAGING_NAME = 'staging'
const ARCHIVE_NAME = 'Archive'
/** No path of the tree begins with a slash. */
const STAGING_KEY = '/staging'

export interface DiskRootOptions {
  /** Absolute. */
  readonly dir: string
  /** Absolute; `dir`/.sync when left out. On the same filesystem as `dir`: files are renamed between them. */
  readonly metaDir?: string
  /** Numeric ids, or null to leave what the system gives. */
  readonly owner: number | null
  readonly group: number | null
  /** Permission bits such as 0o644, or null to leave what umask gives. */
  readonly fileMode: number | null
  readonly dirMode: number | null
  /** Bytes that stay free for others. */
  readonly minFreeBytes: number
}

/** A name in an open directory of the tree or the archive; gives the handle back with `using`. */
export interface Place extends Leaf, Disposable {
  /** As the operator knows it. */
  readonly shown: string
}

export class Layout {
  readonly options: DiskRootOptions
  readonly dir: string
  readonly metaDir: string
  /** The tree's path of meta_dir when it lies inside, else null: neither shown nor touched as part of the tree. */
  readonly #metaInside: string | null
  readonly #handles = new SharedHandles()

  constructor(options: DiskRootOptions) {
    this.options = options
    this.dir = resolve(options.dir)
    this.metaDir = resolve(options.metaDir ?? join(this.dir, META_NAME))
    const inside = relative(this.dir, this.metaDir)
    this.#metaInside = inside === '..' || inside.startsWith('../') ? null : inside
  }

  get fileOwnership(): Ownership {
    const { owner, group, fileMode } = this.options
    return { owner, group, mode: fileMode }
  }

  get dirOwnership(): Ownership {
    const { owner, group, dirMode } = this.options
    return { owner, group, mode: dirMode }
  }

  /** True for what is ours, not the folder's: .sync, and meta_dir where it lies inside the root. */
  isOurs(path: string): boolean {
    if (path === META_NAME || path.startsWith(`${META_NAME}/`)) return true
    return this.#metaInside !== null && (path === this.#metaInside || path.startsWith(`${this.#metaInside}/`))
  }

  openTop(): DirHandle {
    return DirHandle.open(this.dir, '')
  }

  openDirectory(path: DirPath): DirHandle {
    return this.#directory(this.#names(path))
  }

  /** The place of `path`, whose directory must be there. */
  place(path: RelPath): Place {
    const names = this.#names(path)
    const name = names.pop() ?? ''
    return placeIn(this.#directory(names), name)
  }

  /** The same; null when its directory is not there. */
  placeIfThere(path: RelPath): Place | null {
    const names = this.#names(path)
    const name = names.pop() ?? ''
    const key = names.join('/')
    const known = this.#handles.take(key)
    if (known !== null) return placeIn(known, name)
    const dir = descendIfThere(this.openTop(), names)
    return dir === null ? null : placeIn(this.#handles.share(key, dir), name)
  }

  /** The same, making its directories. */
  async makePlace(path: RelPath): Promise<Place> {
    const names = this.#names(path)
    const name = names.pop() ?? ''
    const there = ifThere(() => this.#directory(names))
    if (there !== null) return placeIn(there, name)
    const dir = await descendMaking(this.openTop(), names, this.dirOwnership)
    return placeIn(this.#handles.share(names.join('/'), dir), name)
  }

  /** A directory has been removed, or something else put in its place: it is walked to anew. */
  directoriesChanged(): void {
    this.#handles.forget()
  }

  /** meta_dir. Inside the root it is walked like the tree; elsewhere its path is the operator's own. */
  openMeta(): DirHandle {
    if (this.#metaInside === null) return DirHandle.open(this.metaDir, this.metaDir)
    return descend(DirHandle.open(this.dir, this.dir), this.#metaInside.split('/'))
  }

  async makeMeta(): Promise<DirHandle> {
    const inside = this.#metaInside
    if (inside !== null) return descendMaking(DirHandle.open(this.dir, this.dir), inside.split('/'), this.dirOwnership)
    await attempt(this.metaDir, 'cannot make meta_dir', () => mkdir(this.metaDir, { recursive: true }))
    return this.openMeta()
  }

  openStaging(): DirHandle {
    return this.#handles.take(STAGING_KEY) ?? this.#handles.share(STAGING_KEY, descend(this.openMeta(), [STAGING_NAME]))
  }

  /** Staging is for no one else to see: what lies there is not whole. */
  async makeStaging(): Promise<DirHandle> {
    const ownership = { owner: null, group: null, mode: 0o700 }
    return (
      ifThere(() => this.openStaging()) ??
      this.#handles.share(STAGING_KEY, await descendMaking(await this.makeMeta(), [STAGING_NAME], ownership))
    )
  }

  /** A directory in the archive. */
  openArchive(names: readonly string[]): DirHandle {
    return descend(this.openMeta(), [ARCHIVE_NAME, ...names])
  }

  async makeArchive(names: readonly string[]): Promise<DirHandle> {
    return descendMaking(await this.makeMeta(), [ARCHIVE_NAME, ...names], this.dirOwnership)
  }

  /** The place of an archived file. */
  archivedPlace(name: string): Place {
    if (!isSafe(name)) throw new FsError('missing', name, 'there is no such file in the archive')
    const names = name.split('/')
    const last = names.pop() ?? ''
    return placeIn(this.openArchive(names), last)
  }

  #directory(names: readonly string[]): DirHandle {
    const key = names.join('/')
    return this.#handles.take(key) ?? this.#handles.share(key, this.#enter(names))
  }

  #enter(names: readonly string[]): DirHandle {
    const name = names.at(-1)
    if (name === undefined) return this.openTop()
    using above = this.#directory(names.slice(0, -1))
    return above.enter(name)
  }

  #names(path: DirPath): string[] {
    if (path === '') return []
    if (this.isOurs(path)) throw new FsError('denied', path, `the name ${META_NAME} is kept for isosyncd itself`)
    return splitNames(path)
  }
}

/**
 * A directory that is there, and almost all are, is shared in the same breath: those who ask beside it would each walk there by
 * themselves while one is awaited.
 */
function ifThere(open: () => DirHandle): DirHandle | null {
  try {
    return open()
  } catch (error) {
    if (isNothing(error)) return null
    throw error
  }
}

function placeIn(dir: DirHandle, name: string): Place {
  return { dir, name, shown: dir.showChild(name), [Symbol.dispose]: () => dir[Symbol.dispose]() }
}

/** The names of a path; that they are safe was checked where it came in (sync/path.ts), so a bad one is our bug. */
function splitNames(path: string): string[] {
  assert(isSafe(path), `unsafe path ${path}`)
  return path.split('/')
}

function isSafe(path: string): boolean {
  return !path.includes('\0') && path.split('/').every((name) => name !== '' && name !== '.' && name !== '..')
}
