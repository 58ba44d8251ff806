/**
 * Turns what a user did on this host into signed records and the index changes that go with them. Called inside the
 * index transaction, under the path's lock; carries nothing out.
 */
import { type FolderId, type RelPath } from '../base/brand.ts'
import { type Clock } from '../base/clock.ts'
import { type Change, type FolderIndex } from '../db/index-port.ts'
import { type Entry, type Stat } from '../sync/entry.ts'
import { isChange, localRecord, type Observed } from '../sync/local-record.ts'
import { joinedVersion, mergeRecords } from '../sync/merge.ts'
import { isOfPool, reconcile, reconcileUnindexed } from '../sync/reconcile.ts'
import { contentHash, contentKey, type SignedRecord } from '../sync/record.ts'
import { signedBytes } from '../sync/record-bytes.ts'
import { compareVersions, joinVersions, noVersion, type Version } from '../sync/version.ts'
import { buriedUnder } from './above.ts'
import { beforeRot, isKnownRot } from './before-rot.ts'
import { fileEntry } from './tree-changes.ts'

export interface LocalRecordsNeeds {
  readonly index: Pick<FolderIndex, 'entry' | 'recordsOf' | 'replica' | 'rotten' | 'pieceList'>
  readonly clock: Pick<Clock, 'now'>
}

/** What came of an observation. */
export interface Noted {
  readonly changes: readonly Change[]
  /** 'announced': a new record; 'known': the records already say so, or decide; 'refused': a read-only host's change. */
  readonly what: 'announced' | 'known' | 'refused'
}

export class LocalRecords {
  readonly #folder: FolderId
  readonly #sign: ((bytes: Uint8Array) => Uint8Array) | null
  readonly #needs: LocalRecordsNeeds

  /** `sign` is null with a read-only secret: then nothing is ever announced. */
  constructor(
    options: { folder: FolderId; sign: ((bytes: Uint8Array) => Uint8Array) | null },
    needs: LocalRecordsNeeds,
  ) {
    this.#folder = options.folder
    this.#sign = options.sign
    this.#needs = needs
  }

  /** False with a read-only secret: what changes here is nobody else's concern. */
  get mayAnnounce(): boolean {
    return this.#sign !== null
  }

  /** `stat` is what lstat says of it now; null when it is absent. */
  note(path: RelPath, observed: Observed, stat: Stat | null): Noted {
    const entry = this.#entryFor(path, observed)
    if (!isChange({ entry, observed }) || this.#isStillRot(entry, observed))
      return this.#known(path, observed, stat, entry?.version ?? noVersion)
    const records = this.#needs.index.recordsOf(path)
    if (entry === null && reconcileUnindexed(observed, records).do !== 'announce')
      return this.#known(path, observed, stat, noVersion)
    if (observed.kind === 'absent' && entry !== null && this.wasToGo(path, entry))
      return { changes: this.adopt(path, observed, null), what: 'known' }
    if (entry !== null && isOfPool(entry, observed, records)) return this.#known(path, observed, stat, entry.version)
    if (this.#sign === null) return { changes: [], what: 'refused' }
    const options = { replica: this.#needs.index.replica, nowUs: this.#needs.clock.now() * 1000 }
    const body = localRecord({ path, entry: upToDate(entry, records), observed, records }, options)
    const record = { ...body, signature: this.#sign(signedBytes(this.#folder, body)) }
    const changes: readonly Change[] = [
      { op: 'records', path, records: mergeRecords(records, [record]) },
      { op: 'entry', entry: entryOf(path, observed, stat, body.version) },
    ]
    return { changes, what: 'announced' }
  }

  /** True when noting it would announce another content for a file that was here. */
  isOverwrite(path: RelPath, observed: Observed): boolean {
    const entry = this.#entryFor(path, observed)
    if (entry?.kind !== 'file' || observed.kind !== 'file' || entry.root === observed.root) return false
    return this.mayAnnounce && !isOfPool(entry, observed, this.#needs.index.recordsOf(path))
  }

  /**
   * Says again what lies under the path, over all that other hosts said: brings back what they deleted. Nothing where
   * nothing lies, or with a read-only secret.
   */
  reassert(path: RelPath): readonly Change[] {
    const entry = this.#needs.index.entry(path)
    return entry === null ? [] : this.#reassert(path, entry, (version) => ({ ...entry, version }))
  }

  /** The same of what lay there before it rotted: it is fetched back from where the others keep it. */
  reassertWhole(path: RelPath): readonly Change[] {
    const entry = this.#needs.index.entry(path)
    if (!isKnownRot(entry, this.#needs.index)) return this.reassert(path)
    const was = beforeRot(entry, this.#needs.index)
    return was.root === entry.root ? [] : this.#reassert(path, was, () => entry)
  }

  #reassert(path: RelPath, entry: Entry, after: (version: Version) => Entry): readonly Change[] {
    if (entry.kind === 'absent' || this.#sign === null) return []
    const records = this.#needs.index.recordsOf(path)
    const known = { ...entry, version: joinVersions(entry.version, joinedVersion(records)) }
    const options = { replica: this.#needs.index.replica, nowUs: this.#needs.clock.now() * 1000 }
    const body = localRecord({ path, entry: known, observed: entry, records }, options)
    const record = { ...body, signature: this.#sign(signedBytes(this.#folder, body)) }
    return [
      { op: 'records', path, records: mergeRecords(records, [record]) },
      { op: 'entry', entry: after(body.version) },
    ]
  }

  /** Taken up without a record, and with no version: whatever the folder says of the path then comes over it. */
  adopt(path: RelPath, observed: Observed, stat: Stat | null): readonly Change[] {
    return [{ op: 'entry', entry: entryOf(path, observed, stat, noVersion) }]
  }

  /**
   * True when the folder's records were to take away what lay here. Then it was most likely ourselves, cut short by a
   * crash or a failing disk between the disk and the index, and the records go on deciding.
   */
  wasToGo(path: RelPath, entry: Entry): boolean {
    const records = this.#needs.index.recordsOf(path)
    const decision = reconcile(entry, records)
    // Without a version it was given up before, or taken up for what it is: all records come after that.
    const isKnown = compareVersions(entry.version, noVersion) !== 'equal'
    if (decision.do === 'adopt' && isKnown && (wasMadeAgain(entry, decision.winner) || wasToMakeWay(entry, records)))
      return true
    return (decision.do !== 'nothing' && decision.do !== 'adopt') || buriedUnder(path, this.#needs.index) !== null
  }

  /** What comes in place of rot replaces what that was. Rot that was deleted stays rot: it is fetched again. */
  #entryFor(path: RelPath, observed: Observed): Entry | null {
    const entry = this.#needs.index.entry(path)
    const isStill = observed.kind === 'absent' || (entry !== null && contentKey(entry) === contentKey(observed))
    return isStill ? entry : beforeRot(entry, this.#needs.index)
  }

  /** Given another time, rot is no edit. */
  #isStillRot(entry: Entry | null, observed: Observed): boolean {
    return observed.kind === 'file' && isKnownRot(entry, this.#needs.index) && entry.root === observed.root
  }

  #known(path: RelPath, observed: Observed, stat: Stat | null, version: Version): Noted {
    if (observed.kind === 'absent') return { changes: [], what: 'known' }
    return { changes: [{ op: 'entry', entry: entryOf(path, observed, stat, version) }], what: 'known' }
  }
}

function entryOf(path: RelPath, observed: Observed, stat: Stat | null, version: Version): Entry {
  if (observed.kind !== 'file') return { ...observed, path, version }
  if (stat === null) throw new Error(`isosyncd bug: ${path} was observed as a file without a stat`)
  return fileEntry(path, observed.root, version, stat)
}

/**
 * Where what lies here has won, the user changes what all hosts come to: over all that the records say of the path, also if
 * this host has not noted yet that it won (its disk is full). Else what lost would come back when he deletes the winner.
 */
function upToDate(entry: Entry | null, records: readonly SignedRecord[]): Entry | null {
  if (entry === null) return null
  const decision = reconcile(entry, records)
  return decision.do === 'adopt' ? { ...entry, version: decision.version } : entry
}

/** Something else was to come in its place, which has lost by now to the same made again by who had not heard of that. */
function wasToMakeWay(entry: Entry, records: readonly SignedRecord[]): boolean {
  const isAfter = ({ version }: SignedRecord) => compareVersions(entry.version, version) === 'before'
  return records.some((record) => isAfter(record) && contentKey(record) !== contentKey(entry))
}

/** After what the entry knows it was deleted or replaced elsewhere, and then made again with the same content. */
function wasMadeAgain({ version }: Entry, winner: SignedRecord): boolean {
  const isAfter = compareVersions(version, winner.version) === 'before'
  const isSameAsBefore = winner.previous !== null && winner.previous === contentHash(winner)
  return isAfter && winner.kind !== 'tombstone' && !isSameAsBefore
}
