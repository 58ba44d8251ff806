/** The goal of most transfers: a content that goes into staging, to be installed at the paths that want it. */
import { type RootHash } from '../base/brand.ts'
import { FsError, type Root } from '../fs/root.ts'
import { type PieceList } from '../sync/piece-list.ts'
import { type Applier, isUnwritable } from './applier.ts'
import { type DiskSpace } from './disk-space.ts'
import { type EarlyPieces } from './early-pieces.ts'
import { type PieceLists } from './piece-lists.ts'
import { type OpenStaged, type TransferGoal } from './transfer-goal.ts'
import { type WantedContents } from './wanted-contents.ts'

export interface ContentGoalNeeds {
  readonly disk: Pick<Root, 'openStaged'>
  readonly lists: Pick<PieceLists, 'get'>
  readonly early: Pick<EarlyPieces, 'adopt'>
  readonly wanted: Pick<WantedContents, 'pathsOf' | 'spoiled'>
  readonly applier: Pick<Applier, 'contentCame' | 'failed'>
  readonly space: Pick<DiskSpace, 'full'>
}

export class ContentGoal implements TransferGoal {
  readonly #needs: ContentGoalNeeds

  constructor(needs: ContentGoalNeeds) {
    this.#needs = needs
  }

  pieceList(root: RootHash, size: number, signal: AbortSignal): Promise<PieceList> {
    return this.#needs.lists.get(root, size, signal)
  }

  /** What came while its first host was hashing it is gone on with. */
  async open(root: RootHash, list: PieceList): Promise<OpenStaged> {
    const { early, disk } = this.#needs
    return (await early.adopt(root, list)) ?? { staged: await disk.openStaged(root), pieces: null }
  }

  whole(root: RootHash): void {
    this.#needs.applier.contentCame(this.#needs.wanted.pathsOf(root))
  }

  failed(root: RootHash, error: unknown, missingBytes: number): void {
    void this.#failed(root, error, missingBytes)
  }

  async #failed(root: RootHash, error: unknown, missingBytes: number): Promise<void> {
    const { wanted, applier, space } = this.#needs
    const paths = wanted.pathsOf(root)
    // After a failed write or fsync nobody knows what is on the disk: what was staged is not to be believed.
    if (error instanceof FsError && error.code === 'io') await wanted.spoiled(root)
    if (error instanceof FsError && isUnwritable(error)) space.full(paths[0] ?? root, error, missingBytes)
    for (const path of paths) applier.failed(path, error)
  }
}
