/** A round of the scrub on its way: which file is next, and how much has been read. What it knows it has from the index. */
import { type Clock } from '../base/clock.ts'
import { type FolderIndex, type ScrubFile } from '../db/index-port.ts'
import { type Amount, believableBegin, type RoundProgress, wasReadInRound } from '../sync/scrub-pace.ts'

/** Files looked at before others get a turn. */
const BETWEEN_BREATHS = 500

export interface ScrubRoundNeeds {
  readonly index: Pick<FolderIndex, 'scrubFiles' | 'scrubRound' | 'counts' | 'commit'>
  readonly clock: Pick<Clock, 'now' | 'sleep'>
}

export class ActiveRound {
  readonly beganMs: number
  readonly #needs: ScrubRoundNeeds
  readonly #files: Iterator<ScrubFile>
  #done: Amount = { files: 0, bytes: 0 }
  #isThrough = false

  private constructor(beganMs: number, needs: ScrubRoundNeeds) {
    this.beganMs = beganMs
    this.#needs = needs
    this.#files = needs.index.scrubFiles()[Symbol.iterator]()
  }

  /** The one that the index knows, or a new one. */
  static async takeUp(needs: ScrubRoundNeeds): Promise<ActiveRound> {
    const { beganMs } = needs.index.scrubRound()
    const believed = believableBegin(beganMs, needs.clock.now())
    if (beganMs !== believed) return ActiveRound.begin(needs)
    const round = new ActiveRound(believed, needs)
    await round.#countDone()
    return round
  }

  static begin(needs: ScrubRoundNeeds): ActiveRound {
    const beganMs = needs.clock.now()
    needs.index.commit([{ op: 'scrub-round', round: { ...needs.index.scrubRound(), beganMs } }])
    return new ActiveRound(beganMs, needs)
  }

  /** Says that it is over. */
  end(): void {
    const endedMs = this.#needs.clock.now()
    this.#needs.index.commit([{ op: 'scrub-round', round: { beganMs: null, endedMs } }])
  }

  /** The next file that has not been read in this round; null when it is through. */
  async next(): Promise<ScrubFile | null> {
    for (let skipped = 1; ; skipped++) {
      const next = this.#files.next()
      if (next.done === true) {
        this.#isThrough = true
        return null
      }
      if (!this.#wasRead(next.value)) return next.value
      if (skipped % BETWEEN_BREATHS === 0) await this.#needs.clock.sleep(0)
    }
  }

  didRead({ size }: ScrubFile): void {
    this.#done = { files: this.#done.files + 1, bytes: this.#done.bytes + size }
  }

  progress(intervalMs: number): RoundProgress {
    const total = this.total()
    // Files come and go meanwhile: what counts in the end is that the walk is through.
    const done = this.#isThrough
      ? total
      : {
          files: Math.max(0, Math.min(this.#done.files, total.files - 1)),
          bytes: Math.min(this.#done.bytes, total.bytes),
        }
    return { beganMs: this.beganMs, intervalMs, done, total }
  }

  total(): Amount {
    const { files, bytes } = this.#needs.index.counts()
    return { files, bytes }
  }

  async #countDone(): Promise<void> {
    let looked = 0
    for (const file of this.#needs.index.scrubFiles()) {
      if (++looked % BETWEEN_BREATHS === 0) await this.#needs.clock.sleep(0)
      if (this.#wasRead(file)) this.didRead(file)
    }
  }

  #wasRead({ verifiedMs }: ScrubFile): boolean {
    return wasReadInRound(verifiedMs, this.beganMs, this.#needs.clock.now())
  }
}
