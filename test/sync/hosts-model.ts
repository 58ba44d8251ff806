/**
 * A model of several hosts in which only the pure core is real: a tree and an archive are maps, a network is a loop.
 * It keeps what lies on disk apart from what the entries say, so that a decision which believes wrongly loses
 * something that can be seen.
 */
import assert from 'node:assert/strict'
import { fromHex, type RelPath, type ReplicaId, type RootHash } from '../../src/base/brand.ts'
import { type Entry } from '../../src/sync/entry.ts'
import { isChange, localRecord, type Observed } from '../../src/sync/local-record.ts'
import { mergeRecords } from '../../src/sync/merge.ts'
import { type Decision, reconcile, reconcileUnindexed } from '../../src/sync/reconcile.ts'
import { contentKey, type SignedRecord } from '../../src/sync/record.ts'

const noSignature = new Uint8Array(64)
const nothingThere: Observed = { kind: 'absent' }

export class HostModel {
  readonly tree = new Map<RelPath, Observed>()
  readonly archive = new Set<RootHash>()
  entries = new Map<RelPath, Entry>()
  records = new Map<RelPath, readonly SignedRecord[]>()
  /** Wrong by as much as a test likes. */
  readonly skewUs: number
  #replica: ReplicaId
  #replicas = 0
  readonly #ordinal: number

  constructor(ordinal: number, skewUs: number) {
    this.#ordinal = ordinal
    this.skewUs = skewUs
    this.#replica = this.#newReplica()
  }

  /** A user puts something in place, or takes it away. */
  userDoes(path: RelPath, what: Observed): void {
    if (what.kind === 'absent') this.tree.delete(path)
    else this.tree.set(path, what)
  }

  /** The scanner finds what the user did. */
  scan(path: RelPath, nowUs: number): void {
    const observed = this.tree.get(path) ?? nothingThere
    const entry = this.entries.get(path) ?? null
    if (!isChange({ entry, observed })) return
    const records = this.records.get(path) ?? []
    const decision = entry === null ? reconcileUnindexed(observed, records) : announce
    if (decision.do !== 'announce') return this.#carryOut(path, decision)
    const us = { replica: this.#replica, nowUs: Math.max(0, nowUs + this.skewUs) }
    const record = { ...localRecord({ path, entry, observed, records }, us), signature: noSignature }
    this.records.set(path, mergeRecords(records, [record]))
    this.entries.set(path, entryFor(path, observed, record.version))
  }

  receive(path: RelPath, records: readonly SignedRecord[]): void {
    this.records.set(path, mergeRecords(this.records.get(path) ?? [], records))
  }

  /** Returns false when there is nothing to do. */
  reconcile(path: RelPath): boolean {
    const entry = this.entries.get(path) ?? null
    // As on a real disk: what the index does not know is scanned before anything is carried out over it.
    if (isChange({ entry, observed: this.tree.get(path) ?? nothingThere })) return false
    const decision = reconcile(entry, this.records.get(path) ?? [])
    this.#carryOut(path, decision)
    return decision.do !== 'nothing'
  }

  /** The index is gone, the disk is as it was. */
  loseIndex(): void {
    this.#replica = this.#newReplica()
    this.entries = new Map()
    this.records = new Map()
  }

  has(root: RootHash): boolean {
    return this.archive.has(root) || [...this.tree.values()].some((it) => it.kind === 'file' && it.root === root)
  }

  #newReplica(): ReplicaId {
    return fromHex(`${this.#ordinal}${this.#replicas++}`.padStart(16, '0'))
  }

  #carryOut(path: RelPath, decision: Decision): void {
    if (decision.do === 'nothing') return
    const here = this.tree.get(path) ?? nothingThere
    const wanted = observedOf(decision.winner)
    if (decision.do === 'adopt') {
      assert.equal(contentKey(here), contentKey(wanted), 'only what lies here can be adopted')
    } else {
      assert.ok(here.kind !== 'absent' || decision.do !== 'archive', 'there is something to archive')
      if (here.kind === 'file') this.archive.add(here.root)
    }
    this.userDoes(path, wanted)
    this.entries.set(path, entryFor(path, wanted, decision.version))
  }
}

const announce = { do: 'announce' } as const

function observedOf(record: SignedRecord): Observed {
  switch (record.kind) {
    case 'file':
      return { kind: 'file', size: record.size, mtimeUs: record.mtimeUs, root: record.root }
    case 'link':
      return { kind: 'link', target: record.target }
    case 'directory':
      return { kind: 'directory' }
    case 'tombstone':
      return nothingThere
  }
}

function entryFor(path: RelPath, observed: Observed, version: Entry['version']): Entry {
  return observed.kind === 'file'
    ? { ...observed, path, version, ctimeUs: 0, inode: 0 }
    : { ...observed, path, version }
}
