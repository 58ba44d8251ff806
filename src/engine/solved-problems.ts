/**
 * Clears the problems of paths where a look at the tree finds nothing to remark any more: the socket has been moved
 * away, the unreadable file deleted. What is still wrong shows as a difference at every look; what is only quiet
 * because its directory could not be listed keeps its problems.
 */
import { type RelPath } from '../base/brand.ts'
import { type Sighting } from '../scan/sighting.ts'
import { parentOf } from '../sync/path.ts'
import { type ProblemKind } from '../sync/problem.ts'
import { type ProblemList } from './problem-list.ts'

/** Kinds that only a look at the tree sets: without a sighting their reason has gone. */
const SEEN_IN_THE_TREE: ReadonlySet<ProblemKind> = new Set<ProblemKind>([
  'unreadable',
  'bad-name',
  'name-clash',
  'bad-link',
  'unsupported',
  'unfinished',
  'read-only-change',
])

export class SolvedProblems {
  readonly #problems: ProblemList
  /** Paths with a problem when the scan began, and not seen since. */
  readonly #suspects = new Set<string | null>()
  /** Paths of which the scanner told a problem in this scan: what lies below them was perhaps not looked at. */
  readonly #troubled = new Set<string | null>()
  /** Problems of other kinds (io-error, in-the-way) that the scanner has told; others set them too. */
  readonly #told = new Map<string | null, Set<ProblemKind>>()

  constructor(needs: { problems: ProblemList }) {
    this.#problems = needs.problems
  }

  /** A scan of the whole tree begins. */
  begin(): void {
    this.#suspects.clear()
    this.#troubled.clear()
    for (const { path } of this.#problems.all()) this.#suspects.add(path)
  }

  /** Something was seen, here or in a look at one path. */
  sighted(sighting: Sighting): void {
    const path = sighting.seen === 'problem' ? sighting.problem.path : sighting.path
    if (sighting.seen !== 'missing') this.#suspects.delete(path)
    if (sighting.seen !== 'problem') return
    this.#troubled.add(path)
    if (!SEEN_IN_THE_TREE.has(sighting.problem.kind))
      this.#told.set(path, (this.#told.get(path) ?? new Set()).add(sighting.problem.kind))
  }

  /** The scan has come to its end: what it did not see again is solved. */
  end(): void {
    for (const path of this.#suspects) if (!this.#liesBelowTrouble(path)) this.quiet(path)
    this.#suspects.clear()
  }

  /** The path was looked at, and there is nothing to remark. */
  quiet(path: string | null): void {
    this.#problems.clear(path, ...SEEN_IN_THE_TREE, ...(this.#told.get(path) ?? []))
    this.#told.delete(path)
  }

  #liesBelowTrouble(path: string | null): boolean {
    if (this.#troubled.has(null)) return true
    for (let at = path; at; at = parentOf(at as RelPath)) if (this.#troubled.has(at)) return true
    return false
  }
}
