/**
 * Reads one file of the tree again and compares it with what the index knows of it. Judges only what nothing has
 * touched: a file whose stat differs from the index is an edit, and the scanner's.
 */
import { type RelPath } from '../base/brand.ts'
import { type FolderIndex } from '../db/index-port.ts'
import { FsError, type OpenFile, type Root } from '../fs/root.ts'
import { type PieceChecker } from '../scan/piece-checker.ts'
import { type FileEntry, sameStat } from '../sync/entry.ts'
import { type PieceList, pieceOffsets } from '../sync/piece-list.ts'
import { statOf } from './tree-changes.ts'

/** Read in one go: some 50 ms, so that rests are short and a stop is heard soon. */
const SPAN_BYTES = 8 << 20

export interface Rot {
  readonly entry: FileEntry
  /** What should lie there. */
  readonly list: PieceList
  /** Ordinals of the pieces that do not. */
  readonly bad: readonly number[]
}

export type Verdict =
  | { readonly found: 'sound'; readonly entry: FileEntry }
  | ({ readonly found: 'rot' } & Rot)
  /** It is not, or no longer, the file that the index knows. */
  | { readonly found: 'other' }
  | { readonly found: 'unreadable'; readonly why: string }

export interface FileVerifierNeeds {
  readonly disk: Pick<Root, 'open'>
  readonly index: Pick<FolderIndex, 'entry' | 'pieceList'>
  readonly checker: Pick<PieceChecker, 'check'>
}

/** Called after each span: may rest, or throw to end it. */
export type AfterSpan = (span: { readonly bytes: number; readonly readMs: number }) => Promise<void>

export class FileVerifier {
  readonly #needs: FileVerifierNeeds

  constructor(needs: FileVerifierNeeds) {
    this.#needs = needs
  }

  /** Rejects only with what `afterSpan` throws, or for our bugs. */
  async verify(path: RelPath, afterSpan: AfterSpan): Promise<Verdict> {
    const entry = this.#needs.index.entry(path)
    const list = entry?.kind === 'file' ? this.#needs.index.pieceList(entry.root) : null
    if (entry?.kind !== 'file' || list === null) return { found: 'other' }
    try {
      const file = await this.#needs.disk.open(path)
      try {
        return await this.#verifyOpen(file, entry, list, afterSpan)
      } finally {
        await file.close()
      }
    } catch (error) {
      if (!(error instanceof FsError)) throw error
      if (error.code === 'denied' || error.code === 'io') return { found: 'unreadable', why: error.message }
      return { found: 'other' }
    }
  }

  async #verifyOpen(file: OpenFile, entry: FileEntry, list: PieceList, afterSpan: AfterSpan): Promise<Verdict> {
    const isTheOne = async () => sameStat(await file.stat(), statOf(entry))
    if (!(await isTheOne())) return { found: 'other' }
    const bad: number[] = []
    const offsets = pieceOffsets(list)
    for (let from = 0, to = 0; from < list.count; from = to) {
      while (to < list.count && (to === from || (offsets[to + 1] ?? 0) - (offsets[from] ?? 0) <= SPAN_BYTES)) to++
      const checked = await this.#needs.checker.check(file, list, from, to)
      bad.push(...checked.bad)
      await afterSpan({ bytes: (offsets[to] ?? 0) - (offsets[from] ?? 0), readMs: checked.readMs })
    }
    if (bad.length === 0) return { found: 'sound', entry }
    return (await isTheOne()) ? { found: 'rot', entry, list, bad } : { found: 'other' }
  }
}
