/** Takes its time with files of several pieces, and tells of each meanwhile, as the hashing thread does with large ones. */
import { type OpenFile } from '../../src/fs/root.ts'
import { type Hasher, type HashProgress } from '../../src/scan/hasher.ts'
import { InlineHasher } from '../../src/scan/inline-hasher.ts'
import { pieceHash, type PieceList, PieceListBuilder, pieceOffsets } from '../../src/sync/piece-list.ts'
import { type Chance } from './chance.ts'
import { type HostClock } from './sim-time.ts'

export interface SlowHasherNeeds {
  readonly clock: HostClock
  readonly chance: Chance
  /** The longest that it takes over a piece. */
  readonly slowestMs: number
}

export class SlowHasher implements Pick<Hasher, 'hash'> {
  readonly #needs: SlowHasherNeeds
  readonly #inline = new InlineHasher()

  constructor(needs: SlowHasherNeeds) {
    this.#needs = needs
  }

  async hash(file: OpenFile, size: number, progress: HashProgress, signal: AbortSignal): Promise<PieceList> {
    const list = await this.#inline.hash(file, size, progress, signal)
    const offsets = pieceOffsets(list)
    for (let i = 0; i < list.count - 1; i++) {
      await this.#needs.clock.sleep(this.#needs.chance.below(this.#needs.slowestMs))
      signal.throwIfAborted()
      const builder = new PieceListBuilder()
      builder.add(pieceHash(list, i), offsets[i + 1]! - offsets[i]!)
      progress(offsets[i + 1]!, builder.build())
    }
    return list
  }
}
