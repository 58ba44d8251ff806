/** An open file in staging, written piece by piece in any order. */
import { assert } from '../base/assert.ts'
import { type FindData, loadFindData } from '../base/holes.ts'
import { canClone, cloneRange } from '../base/native-clone.ts'
import { DiskOpenFile } from './open-file.ts'
import { type OpenFile, type StagedFile } from './root.ts'
import { syncData, truncateFile, writeTo } from './system-calls.ts'

/**
 * Writes under way at a time. The kernel lets one through per file: two keep it busy, four spin on its lock and take
 * twice the time and three times the CPU (1 GB in 128 KiB: 0.45 s, 1.0 s, measured).
 */
const WRITES_AT_A_TIME = 2

/** Loaded at its first use. */
let findData: FindData | null | undefined

export interface StagedFileNeeds {
  readonly syncFailed: (file: DiskStagedFile) => void
  readonly closed: (file: DiskStagedFile) => void
}

export class DiskStagedFile extends DiskOpenFile implements StagedFile {
  readonly #needs: StagedFileNeeds
  readonly #waiting: (() => void)[] = []
  #writing = 0
  #sealing: Promise<void> | null = null

  constructor(fd: number, shown: string, needs: StagedFileNeeds) {
    super(fd, shown)
    this.#needs = needs
  }

  /** Published, or about to be: it is never written to again. Resolves when the writes under way are done. */
  seal(): Promise<void> {
    this.#sealing ??= Promise.all(Array.from({ length: WRITES_AT_A_TIME }, () => this.#takeTurn())).then(() => {})
    return this.#sealing
  }

  write(bytes: Uint8Array, position: number): Promise<void> {
    return this.during('cannot write to it', async (fd) => {
      assert(this.#sealing === null, `${this.shown} is written to after it was published`)
      await this.#takeTurn()
      try {
        for (let done = 0; done < bytes.byteLength;) done += await writeTo(fd, bytes, done, position + done)
      } finally {
        this.#giveTurn()
      }
    })
  }

  dataFrom(offset: number): number {
    findData ??= loadFindData()
    return findData?.(this.fd, offset) ?? offset
  }

  canShare(): boolean {
    return canClone(this.fd)
  }

  /** The lender of `source` keeps it open meanwhile. */
  share(source: OpenFile, span: { from: number; to: number; length: number }): Promise<boolean> {
    return this.during('cannot share blocks with it', async (fd) => {
      assert(this.#sealing === null, `${this.shown} is written to after it was published`)
      return source instanceof DiskOpenFile && (await cloneRange(fd, source.fd, span.from, span.to, span.length))
    })
  }

  truncate(size: number): Promise<void> {
    return this.during('cannot set its length', async (fd) => {
      assert(this.#sealing === null, `${this.shown} is truncated after it was published`)
      await truncateFile(fd, size)
    })
  }

  sync(): Promise<void> {
    return this.during('cannot write it out to disk, it is fetched again', async (fd) => {
      await syncData(fd).catch((error: unknown) => {
        this.#needs.syncFailed(this)
        throw error
      })
    })
  }

  override close(): Promise<void> {
    this.#needs.closed(this)
    return super.close()
  }

  async #takeTurn(): Promise<void> {
    if (this.#writing === WRITES_AT_A_TIME) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    else this.#writing++
  }

  /** The turn goes on to the next that waits, if there is one. */
  #giveTurn(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#writing--
    else next()
  }
}
