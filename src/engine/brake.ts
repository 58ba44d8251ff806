/**
 * The brake (sync/guard.ts): when many files vanish or are replaced in one go, here or on another host, they are held
 * until the operator approves or discards. A wave is what comes within a minute, in however many parts.
 */
import { assertNever } from '../base/assert.ts'
import { type RelPath } from '../base/brand.ts'
import { type Clock } from '../base/clock.ts'
import { addLosses, guardLosses, type Losses, type LossLimits, NO_LOSSES, type Verdict } from '../sync/guard.ts'
import { type ProblemKind } from '../sync/problem.ts'
import { type ProblemList } from './problem-list.ts'

/** `rm -r` of a large pool takes seconds, and its events come in parts. */
export const WAVE_MS = 60_000

export type Loss = 'deleted' | 'replaced'

/** A path that is to lose what it holds. Only files count. */
export interface Losing {
  readonly path: RelPath
  readonly loss: Loss
  readonly isFile: boolean
}

/** How held losses of one kind are shown. */
export interface HeldAs {
  readonly kind: ProblemKind
  /** What is held, why, and what the operator can do. */
  readonly sentence: (held: number, files: number) => string
}

export interface BrakeNeeds {
  readonly limits: () => LossLimits
  /** Files of the folder that are here now. */
  readonly files: () => number
  readonly problems: ProblemList
  readonly clock: Pick<Clock, 'elapsed'>
}

export class Brake {
  readonly #shownAs: Readonly<Record<Loss, HeldAs>>
  readonly #needs: BrakeNeeds
  readonly #held = new Map<RelPath, Loss>()
  #passed: { readonly atMs: number; readonly losses: Losses }[] = []

  constructor(options: Readonly<Record<Loss, HeldAs>>, needs: BrakeNeeds) {
    this.#shownAs = options
    this.#needs = needs
  }

  /**
   * Whether these may go. On 'hold' they are held, and so is what comes after them until the operator has spoken; on
   * 'wait' ask again when less is in doubt. `filesBefore`: where files have come since the wave began.
   */
  decide(losing: readonly Losing[], doubtful: Losses = NO_LOSSES, filesBefore?: number): Verdict {
    const now = this.#needs.clock.elapsed()
    this.#passed = this.#passed.filter(({ atMs }) => now - atMs < WAVE_MS)
    const before = this.#passed.reduce((sum, { losses }) => addLosses(sum, losses), NO_LOSSES)
    const losses = countOf(losing)
    const total = Math.min(this.#needs.files(), filesBefore ?? Infinity) + before.deleted
    const wave = { total, sure: addLosses(before, losses), doubtful }
    const verdict = this.#held.size > 0 ? 'hold' : guardLosses(wave, this.#needs.limits())
    if (verdict === 'pass') this.#passed.push({ atMs: now, losses })
    if (verdict === 'hold') this.#hold(losing, total)
    return verdict
  }

  isHeld(path: RelPath): boolean {
    return this.#held.has(path)
  }

  held(loss: Loss): readonly RelPath[] {
    return [...this.#held].flatMap(([path, held]) => (held === loss ? [path] : []))
  }

  /** Those that the operator speaks of: all, or the one that he names. */
  meant(loss: Loss, name: RelPath | null): readonly RelPath[] {
    return this.held(loss).filter((path) => name === null || path === name)
  }

  /** The path is back as it was, or has been renamed: there is nothing to hold any more. */
  forget(path: RelPath): void {
    const loss = this.#held.get(path)
    if (loss === undefined) return
    this.#held.delete(path)
    if (!this.#held.values().some((other) => other === loss)) this.#solved(loss)
  }

  /** Gives all that is held of this kind to whoever carries out what the operator said. */
  release(loss: Loss): readonly RelPath[] {
    const held = this.held(loss)
    for (const path of held) this.#held.delete(path)
    this.#solved(loss)
    return held
  }

  #solved(loss: Loss): void {
    this.#needs.problems.clear(null, this.#shownAs[loss].kind)
  }

  #hold(losing: readonly Losing[], total: number): void {
    for (const { path, loss } of losing) this.#held.set(path, loss)
    for (const loss of new Set(losing.map((one) => one.loss))) {
      const { kind, sentence } = this.#shownAs[loss]
      this.#needs.problems.set(kind, null, sentence(this.held(loss).length, total))
    }
  }
}

function countOf(losing: readonly Losing[]): Losses {
  return losing.reduce((sum, { loss, isFile }) => (isFile ? addLosses(sum, one(loss)) : sum), NO_LOSSES)
}

function one(loss: Loss): Losses {
  switch (loss) {
    case 'deleted':
      return { deleted: 1, replaced: 0 }
    case 'replaced':
      return { deleted: 0, replaced: 1 }
    default:
      return assertNever(loss)
  }
}
