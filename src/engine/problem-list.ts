/** The problems of one folder: set when something goes wrong with a path, cleared when it goes right again. */
import { type Log } from '../base/log.ts'
import { type Problem, type ProblemKind } from '../sync/problem.ts'

/** Beyond this many the list only counts: an unreadable pool must not fill the memory. */
const MOST_KEPT = 10_000

export class ProblemList {
  readonly #log: Log
  readonly #problems = new Map<string, Problem>()

  constructor(needs: { log: Log }) {
    this.#log = needs.log
  }

  /** Logged when it is new or has changed; `path` null means the folder as a whole. */
  set(kind: ProblemKind, path: string | null, detail: string): void {
    const key = keyOf(kind, path)
    if (this.#problems.get(key)?.detail === detail) return
    if (this.#problems.size >= MOST_KEPT && !this.#problems.has(key)) return
    this.#problems.set(key, { kind, path, detail })
    this.#log.warn({ problem: kind, ...(path === null ? {} : { path }) }, detail)
  }

  /** Clears the problems of these kinds (all kinds if none is named) of a path. */
  clear(path: string | null, ...kinds: readonly ProblemKind[]): void {
    if (this.#problems.size === 0) return
    for (const kind of kinds.length > 0 ? kinds : allKindsOf(this.#problems, path)) {
      const key = keyOf(kind, path)
      const problem = this.#problems.get(key)
      if (problem === undefined) continue
      this.#problems.delete(key)
      this.#log.info({ problem: kind, ...(path === null ? {} : { path }) }, `solved: ${problem.detail}`)
    }
  }

  has(kind: ProblemKind, path: string | null): boolean {
    return this.#problems.has(keyOf(kind, path))
  }

  /** Paths that have a problem of this kind. */
  pathsWith(kind: ProblemKind): readonly string[] {
    return [...this.#problems.values()].flatMap((p) => (p.kind === kind && p.path !== null ? [p.path] : []))
  }

  all(): readonly Problem[] {
    return [...this.#problems.values()]
  }
}

function keyOf(kind: ProblemKind, path: string | null): string {
  return `${kind}\0${path ?? ''}`
}

function allKindsOf(problems: ReadonlyMap<string, Problem>, path: string | null): readonly ProblemKind[] {
  return [...problems.values()].flatMap((p) => (p.path === path ? [p.kind] : []))
}
