/** One folder of the index: the port over its tables. */
import { assert, assertNever } from '../base/assert.ts'
import { type DirPath, type FolderId, type RelPath, type ReplicaId, type RootHash } from '../base/brand.ts'
import { type Approval } from '../sync/approval.ts'
import { type Entry, type FileEntry } from '../sync/entry.ts'
import { type PieceList } from '../sync/piece-list.ts'
import { type SignedRecord } from '../sync/record.ts'
import { ApprovalsTable } from './approvals-table.ts'
import { ArchivedTable } from './archived-table.ts'
import { blobOf } from './blob.ts'
import { type ContentsTable } from './contents-table.ts'
import { DirectoriesTable } from './directories-table.ts'
import { EntriesTable } from './entries-table.ts'
import {
  type ArchivedContent,
  type Change,
  type ContentPlace,
  type FolderCounts,
  type FolderIndex,
  type PeerProgress,
  type PiecePlace,
  type RottenFile,
  type ScrubFile,
  type ScrubRound,
  type Sequenced,
} from './index-port.ts'
import { type Connection } from './open-connection.ts'
import { PeersTable } from './peers-table.ts'
import { RecordsTable } from './records-table.ts'
import { ScrubTable } from './scrub-table.ts'

export interface FolderIndexNeeds {
  readonly db: Connection
  readonly replica: ReplicaId
  readonly contents: ContentsTable
  /** A transaction has been undone: what is remembered of its rows, in any folder, is wrong. */
  readonly undone: () => void
  /** All places of a content, over all folders. */
  readonly placesOf: (root: RootHash) => readonly ContentPlace[]
}

export class SqliteFolderIndex implements FolderIndex {
  readonly replica: ReplicaId
  readonly #directories: DirectoriesTable
  readonly #contents: ContentsTable
  readonly #records: RecordsTable
  readonly #entries: EntriesTable
  readonly #archived: ArchivedTable
  readonly #approvals: ApprovalsTable
  readonly #peers: PeersTable
  readonly #scrub: ScrubTable
  readonly #undone: () => void
  readonly #placesOf
  readonly #counts
  readonly #isMarked
  readonly #mark
  readonly #commit
  readonly #together
  #isTogether = false

  constructor(folder: FolderId, needs: FolderIndexNeeds) {
    const { db, contents } = needs
    const id = folderNumber(db, folder)
    const directories = new DirectoriesTable(db, id)
    this.#directories = directories
    this.replica = needs.replica
    this.#contents = contents
    this.#records = new RecordsTable(db, id, { directories, contents })
    this.#entries = new EntriesTable(db, id, { directories, contents })
    this.#archived = new ArchivedTable(db, id, contents)
    this.#approvals = new ApprovalsTable(db, directories)
    this.#peers = new PeersTable(db, id)
    this.#scrub = new ScrubTable(db, id, directories)
    this.#undone = needs.undone
    this.#placesOf = needs.placesOf
    const counts = db.prepare<[number], FolderCounts>(
      'SELECT files, bytes, directories, links, tombstones FROM folder WHERE id = ?',
    )
    this.#counts = () => counts.get(id) ?? { files: 0, bytes: 0, directories: 0, links: 0, tombstones: 0 }
    const isMarked = db.prepare<[number], number>('SELECT is_marked FROM folder WHERE id = ?').pluck()
    this.#isMarked = () => isMarked.get(id) === 1
    const mark = db.prepare<[number]>('UPDATE folder SET is_marked = 1 WHERE id = ?')
    this.#mark = () => void mark.run(id)
    this.#commit = db.transaction((changes: readonly Change[]) => {
      for (const change of changes) this.#apply(change)
      this.#records.writeSequence()
    })
    this.#together = db.transaction((work: () => unknown) => {
      const result = work()
      this.#records.writeSequence()
      return result
    })
  }

  recordsOf(path: RelPath): readonly SignedRecord[] {
    return this.#records.of(path)
  }

  recordsAfter(after: number, limit: number): readonly Sequenced[] {
    return this.#records.after(after, limit)
  }

  lastSequence(): number {
    return this.#records.lastSequence()
  }

  recordPaths(): Iterable<RelPath> {
    return this.#records.paths()
  }

  isApproved(approval: Approval): boolean {
    return this.#approvals.has(approval)
  }

  entry(path: RelPath): Entry | null {
    return this.#entries.get(path)
  }

  hasEntries(): boolean {
    return this.#entries.any()
  }

  isMarked(): boolean {
    return this.#isMarked()
  }

  entriesIn(dir: DirPath): readonly Entry[] {
    return this.#entries.in(dir)
  }

  entriesUnder(dir: DirPath): Iterable<Entry> {
    return this.#entries.under(dir)
  }

  directoriesWithEntries(dir: DirPath): Iterable<DirPath> {
    return this.#entries.directories(dir)
  }

  entriesHolding(root: RootHash): readonly FileEntry[] {
    return this.#entries.holding(root)
  }

  placesOf(root: RootHash): readonly ContentPlace[] {
    return this.#placesOf(root)
  }

  counts(): FolderCounts {
    return this.#counts()
  }

  pieceList(root: RootHash): PieceList | null {
    return this.#contents.pieceList(root)
  }

  findPiece(hash: Uint8Array): readonly PiecePlace[] {
    return this.#contents.findPiece(hash)
  }

  scrubFiles(): Iterable<ScrubFile> {
    return this.#scrub.files()
  }

  scrubFile(path: RelPath): ScrubFile | null {
    return this.#scrub.file(path)
  }

  scrubRound(): ScrubRound {
    return this.#scrub.round()
  }

  rotten(): readonly RottenFile[] {
    return this.#scrub.rotten()
  }

  archive(): readonly ArchivedContent[] {
    return this.#archived.all()
  }

  archivedBefore(usedMs: number): readonly ArchivedContent[] {
    return this.#archived.before(usedMs)
  }

  usedMs(): number {
    return this.#archived.usedMs()
  }

  peerProgress(peer: ReplicaId): PeerProgress {
    return this.#peers.progress(peer)
  }

  knownPeers(): readonly ReplicaId[] {
    return this.#peers.all()
  }

  commit(changes: readonly Change[]): void {
    if (changes.length === 0) return
    // Of a transaction that fails all is undone: within one it needs none of its own.
    if (this.#isTogether) for (const change of changes) this.#apply(change)
    else this.#undoing(() => this.#commit.immediate(changes))
  }

  together<T>(work: () => T): T {
    assert(!this.#isTogether, 'a transaction in a transaction')
    this.#isTogether = true
    try {
      return this.#undoing(() => this.#together.immediate(work) as T)
    } finally {
      this.#isTogether = false
    }
  }

  /** Rows have gone, by a rollback or as garbage: nothing is remembered of them. */
  rowsWent(): void {
    this.#directories.rowsWent()
    this.#records.rowsWent()
    this.#entries.rowsWent()
  }

  #undoing<T>(transaction: () => T): T {
    try {
      return transaction()
    } catch (error) {
      this.#undone()
      throw error
    }
  }

  #apply(change: Change): void {
    switch (change.op) {
      case 'records':
        return this.#records.replace(change.path, change.records)
      case 'entry':
        return this.#entries.put(change.entry)
      case 'forget-entry':
        return this.#entries.forget(change.path)
      case 'content':
        return this.#contents.store(change.root, change.list)
      case 'verified':
        return this.#scrub.verified(change.path, change.root, change.atMs)
      case 'rotten':
        return this.#scrub.putRotten(change.file)
      case 'scrub-round':
        return this.#scrub.setRound(change.round)
      case 'marked':
        return this.#mark()
      case 'approved':
        return this.#approvals.put(change.approval)
      case 'archived':
        return this.#archived.put(change.file)
      case 'used':
        return this.#archived.setUsed(change.ms)
      case 'unarchived':
        return this.#archived.forget(change.name)
      case 'received':
      case 'acknowledged':
        return this.#peers.set(change.peer, change.op, change.sequence)
      default:
        return assertNever(change)
    }
  }
}

/** The number of a folder, given it now if the index has not met it yet. */
function folderNumber(db: Connection, folder: FolderId): number {
  const blob = blobOf(folder)
  const found = db.prepare<[Uint8Array], number>('SELECT id FROM folder WHERE folder = ?').pluck().get(blob)
  return found ?? Number(db.prepare<[Uint8Array]>('INSERT INTO folder (folder) VALUES (?)').run(blob).lastInsertRowid)
}
