/**
 * Lets a new content share blocks with what lies here already, where the filesystem can (XFS, btrfs): nothing is
 * written, and a point release takes room only for what is new. What was shared is not believed: it is hashed like
 * anything that lies in staging (transfer.ts).
 */
import { CLONE_BLOCK_BYTES } from '../base/native-clone.ts'
import { type RootHash } from '../base/brand.ts'
import { type FolderIndex } from '../db/index-port.ts'
import { type StagedFile } from '../fs/root.ts'
import { pieceHash, type PieceList } from '../sync/piece-list.ts'
import { PieceSet } from '../sync/piece-set.ts'
import { type SharedRun, SharedRuns } from '../sync/shared-runs.ts'
import { type ContentReader } from './content-reader.ts'

/** Below this, copying is cheaper than looking. */
const LEAST_BYTES = 1 << 20
/** Pieces looked up before others get a turn. */
const BETWEEN_BREATHS = 64

export interface BlockSharingNeeds {
  readonly index: Pick<FolderIndex, 'findPiece' | 'placesOf'>
  readonly reader: Pick<ContentReader, 'lend'>
  readonly breathe: () => Promise<void>
}

export interface SharedContent {
  readonly list: PieceList
  readonly offsets: Float64Array
  /** New, and of its final length. */
  readonly staged: StagedFile
  readonly signal: AbortSignal
}

/** The pieces that now lie in staging for nothing, if they are what they should be. None where sharing does not work. */
export async function shareBlocks(content: SharedContent, needs: BlockSharingNeeds): Promise<PieceSet> {
  const { list, offsets, staged, signal } = content
  const shared = new PieceSet(list.count)
  if (offsets[list.count]! < LEAST_BYTES || !staged.canShare()) return shared
  let ordinal = 0
  for (const run of await runsOf(content, needs)) {
    signal.throwIfAborted()
    if ((await needs.reader.lend(run.root, (file) => staged.share(file, run))) !== true) continue
    while (offsets[ordinal]! < run.to) ordinal++
    for (; ordinal < list.count && offsets[ordinal + 1]! <= run.to + run.length; ordinal++) shared.add(ordinal)
  }
  return shared
}

/** In the order of the new content. */
async function runsOf(
  { list, offsets, signal }: SharedContent,
  needs: BlockSharingNeeds,
): Promise<readonly SharedRun[]> {
  const runs = new SharedRuns(CLONE_BLOCK_BYTES)
  const lies = new Map<RootHash, boolean>()
  const isHere = (root: RootHash) => {
    if (!lies.has(root)) lies.set(root, needs.index.placesOf(root).length > 0)
    return lies.get(root)
  }
  for (let ordinal = 0; ordinal < list.count; ordinal++) {
    if (ordinal % BETWEEN_BREATHS === BETWEEN_BREATHS - 1) await needs.breathe()
    signal.throwIfAborted()
    const length = offsets[ordinal + 1]! - offsets[ordinal]!
    const found = needs.index.findPiece(pieceHash(list, ordinal))
    runs.add(
      offsets[ordinal]!,
      length,
      found.filter((place) => place.length === length && isHere(place.root)),
    )
  }
  return runs.ended()
}
