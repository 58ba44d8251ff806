/**
 * Which spans of a new file can share blocks with files that are here, in place of being copied. Blocks are shared whole
 * and in place, so a piece fits if it lies at the same offset within a block on both sides: cuts fall at sectors of half
 * a block, so half of those that have moved do. Neighbours from one file make one run; its ends are rounded inward.
 */
import { type RootHash } from '../base/brand.ts'

/** Where a piece lies in a content that is here. */
export interface PlaceInContent {
  readonly root: RootHash
  readonly offset: number
}

export interface SharedRun {
  /** The content to share with. */
  readonly root: RootHash
  /** Offset there, offset in the new file and bytes: multiples of a block. */
  readonly from: number
  readonly to: number
  readonly length: number
}

interface Growing {
  readonly root: RootHash
  /** Offset there less offset here. */
  readonly shift: number
  readonly start: number
  end: number
}

export class SharedRuns {
  readonly #blockBytes: number
  readonly #runs: SharedRun[] = []
  #growing: Growing | null = null

  constructor(blockBytes: number) {
    this.#blockBytes = blockBytes
  }

  /** The next piece of the new file, at `offset`, and all places that have it: the one that goes on with the run is best. */
  add(offset: number, length: number, places: readonly PlaceInContent[]): void {
    const fitting = places.filter((place) => (place.offset - offset) % this.#blockBytes === 0)
    const run = this.#growing
    const goesOn = (place: PlaceInContent) => place.root === run?.root && place.offset - offset === run.shift
    if (run !== null && run.end === offset && fitting.some(goesOn)) {
      run.end += length
      return
    }
    this.#end()
    const [first] = fitting
    if (first === undefined) return
    this.#growing = { root: first.root, shift: first.offset - offset, start: offset, end: offset + length }
  }

  /** All runs; nothing can be added any more. */
  ended(): readonly SharedRun[] {
    this.#end()
    return this.#runs
  }

  #end(): void {
    const run = this.#growing
    this.#growing = null
    if (run === null) return
    const to = Math.ceil(run.start / this.#blockBytes) * this.#blockBytes
    const length = Math.floor(run.end / this.#blockBytes) * this.#blockBytes - to
    if (length > 0) this.#runs.push({ root: run.root, from: to + run.shift, to, length })
  }
}
