/**
 * Reads all content of the folder again, once in `scrub_interval_days`, to find rot before it is needed:
 *
 *   round: all files, in order; each as scrub-pace.ts says: bursts, spread evenly, a tenth of the disk's time
 *   now:   all files or one, at full speed, when the operator says so; it counts for the round
 *   suspect: one file at once, when a piece of it was asked for and was not what its hash says; and what has rotted and is
 *            not healed from time to time: it was perhaps only the cable, and no other host has it
 *
 * When to read is decided in sync/scrub-pace.ts, what becomes of rot in healer.ts.
 */
import { type RelPath } from '../base/brand.ts'
import { type Clock } from '../base/clock.ts'
import { type Log } from '../base/log.ts'
import { type FolderIndex, type ScrubFile } from '../db/index-port.ts'
import { isRoundOver, restAfterReading, waitBeforeReading } from '../sync/scrub-pace.ts'
import { type FileCheck } from './file-check.ts'
import { type AfterSpan } from './file-verifier.ts'
import { ScrubNow } from './scrub-now.ts'
import { ActiveRound } from './scrub-round.ts'

/** After a start there is better to do; and settings, halts and clocks are looked at again this often. */
const LOOK_AGAIN_MS = 60_000
/** What has rotted may be the only copy, and large: often enough for who waits for it, and no load. */
const READ_ROT_AGAIN_MS = 30 * 60_000

export interface ScrubberNeeds {
  readonly index: Pick<FolderIndex, 'scrubFiles' | 'scrubFile' | 'scrubRound' | 'counts' | 'commit' | 'rotten'>
  readonly check: Pick<FileCheck, 'check' | 'flush'>
  /** Nothing is read for a while. */
  readonly rest: () => Promise<void>
  readonly isHalted: () => boolean
  readonly clock: Clock
  readonly log: Log
}

export class Scrubber {
  readonly #needs: ScrubberNeeds
  readonly #intervalMs: () => number | null
  readonly #stop = new AbortController()
  readonly #suspects = new Map<RelPath, Promise<void>>()
  /** When what has rotted was read last, by the clock that never jumps. */
  readonly #rotReadMs = new Map<RelPath, number>()
  #round: ActiveRound | null = null
  #now: ScrubNow | null = null
  #work: Promise<unknown>[] = []

  /** `intervalMs` is asked again and again: it may be reloaded. Null: only when the operator says so. */
  constructor(options: { intervalMs: () => number | null }, needs: ScrubberNeeds) {
    this.#intervalMs = options.intervalMs
    this.#needs = needs
  }

  /** The last one that the operator asked for; null: none since the start. */
  get now(): ScrubNow | null {
    return this.#now
  }

  /** The round on its way, as far as it is known: after a start it is taken up again a little later. */
  get round(): ActiveRound | null {
    return this.#intervalMs() === null ? null : this.#round
  }

  start(): void {
    this.#begin(this.#goOn())
  }

  async close(): Promise<void> {
    this.#stop.abort(new Error('stopping'))
    await Promise.allSettled([...this.#work, ...this.#suspects.values()])
    this.#needs.check.flush()
    await this.#needs.rest()
  }

  /** A piece of this file was not what its hash says: reads it now, whole. */
  suspect(path: RelPath): void {
    if (this.#suspects.has(path) || this.#stop.signal.aborted) return
    const noRest: AfterSpan = () => Promise.resolve(this.#stop.signal.throwIfAborted())
    const work = this.#needs.check
      .check(path, noRest, this.#stop.signal)
      .catch((error: unknown) => this.#failed(error, path))
      .finally(() => this.#suspects.delete(path))
    this.#suspects.set(
      path,
      work.then(() => undefined),
    )
  }

  /** Reads all files, or one, now. One that runs already must have ended. */
  scrubNow(path: RelPath | null): ScrubNow {
    const { index, check } = this.#needs
    const round = path === null ? ActiveRound.begin(this.#needs) : null
    if (round !== null) this.#round = round
    const now = new ScrubNow(path, {
      index,
      check: (file, afterSpan) => check.check(file, afterSpan, this.#stop.signal),
    })
    this.#now = now
    this.#begin(this.#runNow(now, round))
    return now
  }

  async #runNow(now: ScrubNow, round: ActiveRound | null): Promise<void> {
    const { log, check, rest } = this.#needs
    try {
      await now.run(this.#stop.signal, round)
      check.flush()
      if (round !== null) this.#end(round)
      log.info(
        { files: now.done.files, bytes: now.done.bytes, rotten: now.rot.size },
        `scrubbed ${now.path ?? 'all files'}: ${now.rot.size === 0 ? 'nothing rotten' : `${now.rot.size} rotten`}`,
      )
    } finally {
      await rest()
    }
  }

  #begin(work: Promise<void>): void {
    const noted = work
      .catch((error: unknown) => this.#failed(error, null))
      .finally(() => (this.#work = this.#work.filter((other) => other !== noted)))
    this.#work.push(noted)
  }

  async #goOn(): Promise<void> {
    const { clock } = this.#needs
    for (let waitMs = LOOK_AGAIN_MS; ;) {
      await clock.sleep(waitMs, this.#stop.signal)
      waitMs = await this.#look().catch((error: unknown) => {
        this.#stop.signal.throwIfAborted()
        this.#failed(error, null)
        return LOOK_AGAIN_MS
      })
    }
  }

  /** Returns how long to wait then. An index or a disk that fails for a while ends no scrubbing. */
  async #look(): Promise<number> {
    if (!this.#mayRead()) return LOOK_AGAIN_MS
    this.#readRotAgain()
    const intervalMs = this.#intervalMs()
    return intervalMs === null ? LOOK_AGAIN_MS : await this.#burst(intervalMs)
  }

  #readRotAgain(): void {
    const nowMs = this.#needs.clock.elapsed()
    const rotten = new Set(this.#needs.index.rotten().map(({ path }) => path))
    for (const path of this.#rotReadMs.keys()) if (!rotten.has(path)) this.#rotReadMs.delete(path)
    for (const path of rotten) {
      const readMs = this.#rotReadMs.get(path) ?? nowMs
      const isDue = nowMs - readMs >= READ_ROT_AGAIN_MS
      this.#rotReadMs.set(path, isDue ? nowMs : readMs)
      if (isDue) this.suspect(path)
    }
  }

  #mayRead(): boolean {
    return !this.#needs.isHalted() && this.#now?.running !== true
  }

  /** Reads as much as is due. Returns how long to wait then. */
  async #burst(intervalMs: number): Promise<number> {
    const { clock, check, rest } = this.#needs
    const round = (this.#round = await this.#believable())
    const waitMs = waitBeforeReading(round.progress(intervalMs), clock.now(), false)
    if (waitMs === 0) {
      await this.#readWhileDue(round, intervalMs)
      check.flush()
      await rest()
    }
    if (round === this.#round && isRoundOver(round.progress(intervalMs), clock.now())) this.#roundOver(round)
    return Math.min(Math.max(waitMs, 1000), LOOK_AGAIN_MS)
  }

  /** The round on its way, unless the clock has been set back to before it began: it would have us wait for years. */
  async #believable(): Promise<ActiveRound> {
    const round = this.#round
    if (round !== null && round.beganMs <= this.#needs.clock.now()) return round
    return await ActiveRound.takeUp(this.#needs)
  }

  async #readWhileDue(round: ActiveRound, intervalMs: number): Promise<void> {
    const { clock, check } = this.#needs
    const afterSpan: AfterSpan = ({ readMs }) => clock.sleep(restAfterReading(readMs), this.#stop.signal)
    while (
      round === this.#round &&
      this.#mayRead() &&
      waitBeforeReading(round.progress(intervalMs), clock.now(), true) === 0
    ) {
      const file: ScrubFile | null = await round.next()
      if (file === null) return
      await check.check(file.path, afterSpan, this.#stop.signal)
      round.didRead(file)
    }
  }

  #end(round: ActiveRound): void {
    round.end()
    this.#round = null
  }

  #roundOver(round: ActiveRound): void {
    this.#end(round)
    const { files, bytes } = round.total()
    this.#needs.log.info({ files, bytes }, `scrub: all ${files} files have been read again`)
  }

  #failed(error: unknown, path: RelPath | null): void {
    if (this.#stop.signal.aborted) return
    this.#needs.log.error(
      { ...(path === null ? {} : { path }), err: error },
      `scrubbing ${path ?? 'the folder'} failed`,
    )
  }
}
