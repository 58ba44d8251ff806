/**
 * The brake on deletions (sync/guard.ts): when many files vanish in one go, here or on another host, they are held
 * until the operator approves or discards. A wave is what comes within a minute, in however many parts.
 */
import { type RelPath } from '../base/brand.ts'
import { type Clock } from '../base/clock.ts'
import { type DeletionLimits, guardDeletions } from '../sync/guard.ts'
import { type ProblemKind } from '../sync/problem.ts'
import { type ProblemList } from './problem-list.ts'

/** `rm -r` of a large pool takes seconds, and its events come in parts. */
const WAVE_MS = 60_000

export interface DeleteBrakeNeeds {
  readonly limits: () => DeletionLimits
  /** Files of the folder that are here now. */
  readonly files: () => number
  readonly problems: ProblemList
  readonly clock: Pick<Clock, 'elapsed'>
}

export class DeleteBrake {
  readonly #kind: ProblemKind
  readonly #sentence: (held: number, files: number) => string
  readonly #needs: DeleteBrakeNeeds
  readonly #held = new Set<RelPath>()
  #passed: { readonly atMs: number; readonly files: number }[] = []

  /** `sentence` says what is held, why, and what the operator can do. */
  constructor(
    options: { kind: ProblemKind; sentence: (held: number, files: number) => string },
    needs: DeleteBrakeNeeds,
  ) {
    this.#kind = options.kind
    this.#sentence = options.sentence
    this.#needs = needs
  }

  /**
   * True when these paths, of which `files` are files, may go. Otherwise they are held, and so is what comes after them
   * until the operator has spoken.
   */
  mayGo(paths: readonly RelPath[], files: number): boolean {
    const now = this.#needs.clock.elapsed()
    this.#passed = this.#passed.filter(({ atMs }) => now - atMs < WAVE_MS)
    const before = this.#passed.reduce((sum, part) => sum + part.files, 0)
    const total = this.#needs.files() + before
    const wave = { total, deletions: before + files }
    if (this.#held.size === 0 && guardDeletions(wave, this.#needs.limits()) === 'pass') {
      this.#passed.push({ atMs: now, files })
      return true
    }
    for (const path of paths) this.#held.add(path)
    this.#needs.problems.set(this.#kind, null, this.#sentence(this.#held.size, total))
    return false
  }

  isHeld(path: RelPath): boolean {
    return this.#held.has(path)
  }

  held(): readonly RelPath[] {
    return [...this.#held]
  }

  /** The path is back, or has been renamed: there is nothing to hold any more. */
  forget(path: RelPath): void {
    if (this.#held.delete(path) && this.#held.size === 0) this.#needs.problems.clear(null, this.#kind)
  }

  /** Gives all that is held to whoever carries out what the operator said. */
  release(): readonly RelPath[] {
    const held = this.held()
    this.#held.clear()
    this.#needs.problems.clear(null, this.#kind)
    return held
  }
}
