/** The directories still to be walked, the next few of them being listed already while the one before is compared. */
import { type DirPath } from '../base/brand.ts'
import { type Listing, type Root } from '../fs/root.ts'

export type Listed = { readonly listing: Listing } | { readonly error: unknown }

/** Small directories are waited for, not worked for: with one at a time, 10,000 of them take twice as long. */
const AHEAD = 4

export class ListingsAhead {
  readonly #root: Pick<Root, 'list'>
  /** A stack: the last one is walked next. */
  readonly #waiting: DirPath[] = []
  readonly #started = new Map<DirPath, Promise<Listed>>()

  constructor(root: Pick<Root, 'list'>) {
    this.#root = root
  }

  /** In the order in which they are to be walked, before all that wait already. */
  push(dirs: readonly DirPath[]): void {
    for (let i = dirs.length - 1; i >= 0; i--) this.#waiting.push(dirs[i] ?? '')
  }

  /** The next directory with its listing, or null when none is left. */
  async next(): Promise<{ readonly dir: DirPath; readonly listed: Listed } | null> {
    const dir = this.#waiting.pop()
    if (dir === undefined) return null
    const listed = this.#start(dir)
    for (const ahead of this.#waiting.slice(-AHEAD)) void this.#start(ahead)
    this.#started.delete(dir)
    return { dir, listed: await listed }
  }

  /** A failure is kept as a value: no one may be waiting for it any more. */
  #start(dir: DirPath): Promise<Listed> {
    const started =
      this.#started.get(dir) ??
      this.#root.list(dir).then(
        (listing): Listed => ({ listing }),
        (error: unknown): Listed => ({ error }),
      )
    this.#started.set(dir, started)
    return started
  }
}
