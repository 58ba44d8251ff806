/** A full disk pauses what writes to a folder, says so, and lets it go on by itself when there is room again. */
import { type Clock } from '../base/clock.ts'
import { type FsError, type Root } from '../fs/root.ts'
import { type ProblemList } from './problem-list.ts'

const LOOK_EVERY_MS = 5_000
/** What is wanted where it is not a file's content: directories, renames into the archive. */
const SOME_ROOM_BYTES = 1 << 20

export interface DiskSpaceNeeds {
  readonly disk: Pick<Root, 'freeBytes'>
  readonly problems: ProblemList
  readonly pause: (why: string) => void
  readonly resume: () => void
  readonly clock: Pick<Clock, 'after'>
}

export class DiskSpace {
  readonly #needs: DiskSpaceNeeds
  #cancel: (() => void) | null = null

  constructor(needs: DiskSpaceNeeds) {
    this.#needs = needs
  }

  get isFull(): boolean {
    return this.#cancel !== null
  }

  /** `path` could not be written. `wantedBytes` is what it would have needed, if known. */
  full(path: string, error: FsError, wantedBytes: number | null): void {
    if (this.isFull) return
    const why = `no room for ${path} (${error.message}). Nothing is received until there is room (looked at every ${LOOK_EVERY_MS / 1000} s); what is here goes on being served`
    this.#needs.problems.set('disk-full', null, why)
    this.#needs.pause(why)
    this.#lookLater(wantedBytes ?? SOME_ROOM_BYTES)
  }

  stop(): void {
    this.#cancel?.()
  }

  #lookLater(wantedBytes: number): void {
    this.#cancel = this.#needs.clock.after(LOOK_EVERY_MS, () => void this.#look(wantedBytes))
  }

  async #look(wantedBytes: number): Promise<void> {
    const free = await this.#needs.disk.freeBytes().catch(() => 0)
    if (free < wantedBytes) return this.#lookLater(wantedBytes)
    this.#cancel = null
    this.#needs.problems.clear(null, 'disk-full')
    this.#needs.resume()
  }
}
