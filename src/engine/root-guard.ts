/**
 * Is the root the one that the index speaks of? A marker in it says so: an unmounted disk shows an empty directory,
 * and a wrong mount another pool, and neither may look like a thousand deletions.
 */
import { type FolderId, type ReplicaId } from '../base/brand.ts'
import { type Clock } from '../base/clock.ts'
import { type FolderIndex } from '../db/index-port.ts'
import { FsError, type Marker, type Root } from '../fs/root.ts'

export interface RootGuardOptions {
  readonly folder: FolderId
  readonly replica: ReplicaId
  /** Its id by the secret that is being replaced: a marker that names it is brought up to date. */
  readonly previous?: FolderId | undefined
}

export interface RootGuardNeeds {
  readonly disk: Pick<Root, 'readMarker' | 'writeMarker' | 'trust'>
  readonly index: Pick<FolderIndex, 'hasEntries' | 'isMarked'>
  /** The root has a marker of ours from now on: another that has none is not it. Absent: the caller only looks. */
  readonly marked?: () => Promise<void>
  readonly clock: Pick<Clock, 'sleep'>
}

type Standing = 'ours' | 'renamed' | 'new' | 'unmarked' | 'foreign'

export class RootGuard {
  readonly #ours: Marker
  readonly #previous: FolderId | undefined
  readonly #needs: RootGuardNeeds
  /** The marker has been seen since the start: it does not go by itself. */
  #wasSound = false
  /** The look under way, and the one that has not begun yet. */
  #looking: Promise<unknown> = Promise.resolve()
  #next: Promise<string | null> | null = null

  constructor({ folder, replica, previous }: RootGuardOptions, needs: RootGuardNeeds) {
    this.#ours = { folder, replica }
    this.#previous = previous
    this.#needs = needs
  }

  /**
   * Null when the root is sound; else why the folder halts and what to do. Marks a root that is used for the first
   * time. Many small files ask in one breath: one look serves all who asked before it began.
   */
  trouble(): Promise<string | null> {
    this.#next ??= this.#looking
      .then(() => this.#needs.clock.sleep(0))
      .then(() => {
        this.#next = null
        const look = this.#look()
        this.#looking = look.catch(() => null)
        return look
      })
    return this.#next
  }

  async #look(): Promise<string | null> {
    try {
      const { standing, marker } = await this.#standing()
      switch (standing) {
        case 'ours':
          return await this.#sound(marker ?? this.#ours)
        case 'renamed':
        case 'new':
          return await this.#mark()
        case 'unmarked':
          return 'the marker of this folder is missing: is the disk mounted? Nothing is deleted or sent until it is back. If the root was replaced on purpose, remove the index and start again: everything is taken up by content'
        case 'foreign':
          return 'the marker in the root belongs to another folder or host: is the right disk mounted? Nothing is deleted or sent until it is'
      }
    } catch (error) {
      if (error instanceof FsError && error.code === 'missing')
        return `the root ${error.path} is not there: is its disk mounted? Nothing is deleted or sent until it is; the folder goes on by itself then`
      const said = error instanceof Error ? error.message : String(error)
      return `the root cannot be read: ${said}. Nothing is deleted or sent until it can`
    }
  }

  /** False where something else stands than the index knows: nothing of ours is to be put there. */
  async mayBeOurs(): Promise<boolean> {
    const standing = await this.#standing().then(
      ({ standing }) => standing,
      () => 'unreadable',
    )
    return standing === 'ours' || standing === 'renamed' || standing === 'new'
  }

  async #standing(): Promise<{ readonly standing: Standing; readonly marker: Marker | null }> {
    const marker = await this.#needs.disk.readMarker()
    return { standing: this.#standingOf(marker), marker }
  }

  #standingOf(marker: Marker | null): Standing {
    const { index } = this.#needs
    if (marker?.replica === this.#ours.replica) {
      if (marker.folder === this.#ours.folder) return 'ours'
      if (marker.folder === this.#previous) return 'renamed'
    }
    // Records alone may have come from peers before the root could be marked: they say nothing of this disk.
    const isNew = !this.#wasSound && !index.isMarked() && !index.hasEntries()
    if (isNew && (marker === null || marker.folder === this.#ours.folder)) return 'new'
    return marker === null ? 'unmarked' : 'foreign'
  }

  async #sound(marker: Marker): Promise<null> {
    this.#wasSound = true
    this.#needs.disk.trust(marker)
    // What keeps the index from noting it says so by itself; the next look notes it.
    if (!this.#needs.index.isMarked()) await this.#needs.marked?.().catch(() => {})
    return null
  }

  async #mark(): Promise<string | null> {
    try {
      await this.#needs.disk.writeMarker(this.#ours)
      return await this.#sound(this.#ours)
    } catch (error) {
      return `the marker cannot be written: ${String(error)}. Make the root writable; tried again at the next rescan`
    }
  }
}
