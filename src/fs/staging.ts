/**
 * Staging: where contents grow until they are whole. A file is named by its content's root hash, and is only ours:
 * the directory is closed to others.
 */
import { closeSync, constants } from 'node:fs'
import { type RootHash } from '../base/brand.ts'
import { attempt } from './fs-errors.ts'
import { type DirHandle, isNothing } from './handles.ts'
import { type Layout } from './layout.ts'
import { listDirectory } from './listing.ts'
import { notRegular } from './open-file.ts'
import { FsError, type Listing, type Staged, type StagedFile } from './root.ts'
import { DiskStagedFile } from './staged-file.ts'
import { statOfOpen } from './stats.ts'
import { openFile, renameFile, unlinkFile, writeTo } from './system-calls.ts'

const { O_RDWR, O_CREAT, O_EXCL, O_TRUNC, O_NOFOLLOW, O_NONBLOCK } = constants
const ROOT_HASH = /^[0-9a-f]{64}$/

export class Staging {
  readonly #layout: Layout
  /** Open files and their names, so that none is written to once it is published. */
  readonly #open = new Map<DiskStagedFile, RootHash>()
  /** Contents whose fsync failed: what the disk holds of them is unknown, and another fsync would not say so. */
  readonly #failed = new Set<RootHash>()

  constructor(layout: Layout) {
    this.#layout = layout
  }

  async open(root: RootHash): Promise<StagedFile> {
    using dir = await this.#layout.makeStaging()
    const fd = await openStaged(dir, root, O_CREAT)
    const file = new DiskStagedFile(fd, dir.showChild(root), {
      syncFailed: (which) => void this.#failed.add(this.#open.get(which) ?? root),
      closed: (which) => void this.#open.delete(which),
    })
    this.#open.set(file, root)
    return file
  }

  /** Over what has that name. Open files go along. */
  async rename(from: RootHash, to: RootHash): Promise<void> {
    using dir = this.#layout.openStaging()
    await attempt(dir.showChild(from), `cannot rename it to ${to}`, () => renameFile(dir.at(from), dir.at(to)))
    for (const [file, name] of this.#open) if (name === from) this.#open.set(file, to)
    this.#failed.delete(to)
    if (this.#failed.delete(from)) this.#failed.add(to)
  }

  async list(): Promise<RootHash[]> {
    const found = await this.#names((name) => ROOT_HASH.test(name))
    return found.filter(({ stat }) => stat.kind === 'file').map(({ name }) => name as RootHash)
  }

  /** Removes what `isLeft` says of, of what is no directory. */
  async dropOthers(isLeft: (name: string) => boolean): Promise<void> {
    for (const { name, stat } of await this.#names(isLeft)) {
      if (stat.kind === 'directory') continue
      using dir = this.#layout.openStaging()
      await removeIfThere(dir, name)
    }
  }

  /** Removes it; one that is not there is no error. */
  async drop(root: RootHash): Promise<void> {
    try {
      using dir = this.#layout.openStaging()
      await removeIfThere(dir, root)
    } catch (error) {
      if (!isNothing(error)) throw error
    }
    this.#failed.delete(root)
  }

  /**
   * Opens a whole content for publishing: from now on nobody can write to it. The caller closes the descriptor.
   * One whose sync has failed before is thrown away, and the error says so.
   */
  async seal(dir: DirHandle, root: RootHash): Promise<number> {
    if (this.#failed.has(root)) {
      await this.drop(root)
      throw new FsError('io', dir.showChild(root), 'it could not be written out to disk; it is fetched again')
    }
    const open = [...this.#open].filter(([, name]) => name === root)
    await Promise.all(open.map(([file]) => file.seal()))
    return openStaged(dir, root, 0)
  }

  /** Stages a content in one go, as `seal` leaves it: the caller closes the descriptor. */
  async write(dir: DirHandle, { root, bytes }: Exclude<Staged, RootHash>): Promise<number> {
    const fd = await createStaged(dir, root)
    try {
      await attempt(dir.showChild(root), 'cannot write to it', async () => {
        for (let done = 0; done < bytes.byteLength;) done += await writeTo(fd, bytes, done, done)
      })
    } catch (error) {
      closeSync(fd)
      await this.drop(root)
      throw error
    }
    this.#failed.delete(root)
    return fd
  }

  async #names(isMeant: (name: string) => boolean): Promise<Listing['children']> {
    try {
      using dir = this.#layout.openStaging()
      return (await listDirectory(dir, (name) => !isMeant(name))).children
    } catch (error) {
      if (isNothing(error)) return []
      throw error
    }
  }
}

/** Made anew it can be nothing but a file: most that are written in one go are. What lies there is written over. */
async function createStaged(dir: DirHandle, root: RootHash): Promise<number> {
  try {
    return await openFile(dir.at(root), O_RDWR | O_CREAT | O_EXCL, 0o666)
  } catch {
    return await openStaged(dir, root, O_CREAT | O_TRUNC)
  }
}

async function removeIfThere(dir: DirHandle, name: string): Promise<void> {
  try {
    await attempt(dir.showChild(name), 'cannot remove it', () => unlinkFile(dir.at(name)))
  } catch (error) {
    if (!isNothing(error)) throw error
  }
}

async function openStaged(dir: DirHandle, root: RootHash, create: number): Promise<number> {
  const shown = dir.showChild(root)
  const flags = O_RDWR | O_NOFOLLOW | O_NONBLOCK | create
  const fd = await attempt(shown, 'cannot open the staged file', () => openFile(dir.at(root), flags, 0o666))
  if (statOfOpen(fd, shown).kind === 'file') return fd
  closeSync(fd)
  throw notRegular(shown)
}
