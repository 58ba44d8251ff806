/**
 * Is the root the one that the index speaks of? A marker in it says so: an unmounted disk shows an empty directory,
 * and a wrong mount another pool, and neither may look like a thousand deletions.
 */
import { type FolderId, type ReplicaId } from '../base/brand.ts'
import { type Clock } from '../base/clock.ts'
import { type FolderIndex } from '../db/index-port.ts'
import { type Marker, type Root } from '../fs/root.ts'

export interface RootGuardNeeds {
  readonly disk: Pick<Root, 'readMarker' | 'writeMarker'>
  readonly index: Pick<FolderIndex, 'hasEntries'>
  readonly clock: Pick<Clock, 'sleep'>
}

export class RootGuard {
  readonly #ours: Marker
  readonly #needs: RootGuardNeeds
  /** The marker has been seen since the start: it does not go by itself. */
  #wasSound = false
  /** The look under way, and the one that has not begun yet. */
  #looking: Promise<unknown> = Promise.resolve()
  #next: Promise<string | null> | null = null

  constructor(options: { folder: FolderId; replica: ReplicaId }, needs: RootGuardNeeds) {
    this.#ours = options
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
      switch (await this.#standing()) {
        case 'ours':
          return this.#sound()
        case 'new':
          return await this.#mark()
        case 'unmarked':
          return 'the marker of this folder is missing: is the disk mounted? Nothing is deleted or sent until it is back. If the root was replaced on purpose, remove the index and start again: everything is taken up by content'
        case 'foreign':
          return 'the marker in the root belongs to another folder or host: is the right disk mounted? Nothing is deleted or sent until it is'
      }
    } catch (error) {
      return `the root cannot be read: ${String(error)}. Nothing is deleted or sent until it can`
    }
  }

  /** False where something else stands than the index knows: nothing of ours is to be put there. */
  async mayBeOurs(): Promise<boolean> {
    const standing = await this.#standing().catch(() => 'unreadable')
    return standing === 'ours' || standing === 'new'
  }

  async #standing(): Promise<'ours' | 'new' | 'unmarked' | 'foreign'> {
    const marker = await this.#needs.disk.readMarker()
    if (marker?.folder === this.#ours.folder && marker.replica === this.#ours.replica) return 'ours'
    // Records alone may have come from peers before the root could be marked: they say nothing of this disk.
    const isNew = !this.#wasSound && !this.#needs.index.hasEntries()
    if (isNew && (marker === null || marker.folder === this.#ours.folder)) return 'new'
    return marker === null ? 'unmarked' : 'foreign'
  }

  #sound(): null {
    this.#wasSound = true
    return null
  }

  async #mark(): Promise<string | null> {
    try {
      await this.#needs.disk.writeMarker(this.#ours)
      return this.#sound()
    } catch (error) {
      return `the marker cannot be written: ${String(error)}. Make the root writable; tried again at the next rescan`
    }
  }
}
