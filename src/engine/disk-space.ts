/**
 * A disk that takes nothing more, the folder's or that of the index: full, over its quota, read-only or failing. What
 * writes to the folder pauses, which is said, and goes on by itself when the disk can be written again.
 */
import { type Clock } from '../base/clock.ts'
import { type FsError, type Root } from '../fs/root.ts'
import { type ProblemList } from './problem-list.ts'

const LOOK_EVERY_MS = 5_000
/** What is wanted where it is not a file's content: directories, renames into the archive. */
const SOME_ROOM_BYTES = 1 << 20

const SERVES_ON = `(looked at every ${LOOK_EVERY_MS / 1000} s); what is here goes on being served`

export interface DiskSpaceNeeds {
  readonly disk: Pick<Root, 'freeBytes' | 'assertWritable'>
  /** Whether the disk of the index takes writes; absent: it always does. */
  readonly indexTakesWrites?: () => Promise<boolean>
  readonly problems: ProblemList
  readonly pause: (why: string) => void
  readonly resume: () => void
  /** Look at all that lies in the folder: what was seen meanwhile could not be noted. */
  readonly lookAtAll: () => void
  readonly clock: Pick<Clock, 'after'>
}

export class DiskSpace {
  readonly #needs: DiskSpaceNeeds
  #why: string | null = null
  #cancel: () => void = () => {}

  constructor(needs: DiskSpaceNeeds) {
    this.#needs = needs
  }

  get isFull(): boolean {
    return this.#why !== null
  }

  /** Why nothing is received, in a sentence; null while it is. */
  get why(): string | null {
    return this.#why
  }

  /** `path` could not be written. `wantedBytes` is what it would have needed, if known. */
  full(path: string, error: FsError, wantedBytes: number | null): void {
    const what = error.code === 'read-only' ? `${path} cannot be written` : `no room for ${path}`
    const until = error.code === 'read-only' ? 'until the disk can be written' : 'until there is room'
    this.#pause(`${what} (${error.message}). Nothing is received ${until} ${SERVES_ON}`, {
      isOver: () => this.#hasRoom(wantedBytes ?? SOME_ROOM_BYTES),
      resume: () => this.#needs.resume(),
    })
  }

  /** The index could not be written. */
  indexFailed(error: unknown): void {
    const said = error instanceof Error ? error.message : String(error)
    const why = `the index cannot be written (${said}): look at the disk of storage_path. Nothing is announced or received until it can ${SERVES_ON}`
    this.#pause(why, {
      isOver: async () => (await this.#needs.indexTakesWrites?.()) ?? true,
      resume: () => {
        this.#needs.resume()
        this.#needs.lookAtAll()
      },
    })
  }

  stop(): void {
    this.#cancel()
  }

  #pause(why: string, trouble: { isOver: () => Promise<boolean>; resume: () => void }): void {
    if (this.isFull) return
    this.#why = why
    this.#needs.problems.set('disk-full', null, why)
    this.#needs.pause(why)
    const look = async () => {
      if (!(await trouble.isOver())) return lookLater()
      this.#why = null
      this.#needs.problems.clear(null, 'disk-full')
      trouble.resume()
    }
    const lookLater = () => void (this.#cancel = this.#needs.clock.after(LOOK_EVERY_MS, () => void look()))
    lookLater()
  }

  /** A quota and a read-only filesystem show only when something is written. */
  async #hasRoom(wantedBytes: number): Promise<boolean> {
    try {
      if ((await this.#needs.disk.freeBytes()) < wantedBytes) return false
      await this.#needs.disk.assertWritable()
      return true
    } catch {
      return false
    }
  }
}
