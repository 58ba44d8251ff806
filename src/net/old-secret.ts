/**
 * A folder whose secret is being replaced. Until the end date a host that has only the old one is a peer too, and what
 * is said to it is said in the old secret: its signatures are made anew on the way out, and by the new one on the way
 * in. So an index holds records as the new secret signs them, and nothing changes in versions or contents.
 */
import { type FolderKeys } from '../base/secret.ts'
import { type Clock } from '../base/clock.ts'
import { signedBytes } from '../sync/record-bytes.ts'
import { type SignedRecord } from '../sync/record.ts'

export interface OldSecret {
  readonly keys: FolderKeys
  /** Wall clock, milliseconds since 1970. */
  readonly untilMs: number
}

/** Timers overflow at 24 days, and clocks are set: so the end is looked for again and again. */
const LOOK_EVERY_MS = 600_000

export function isOver(old: OldSecret, clock: Pick<Clock, 'now'>): boolean {
  return clock.now() >= old.untilMs
}

/** Calls `over` once, when the end date has come; the returned function calls that off. */
export function watchEnd(old: OldSecret, clock: Pick<Clock, 'now' | 'after'>, over: () => void): () => void {
  let stop = () => {}
  const look = () => {
    if (isOver(old, clock)) return over()
    stop = clock.after(Math.min(LOOK_EVERY_MS, old.untilMs - clock.now()), look)
  }
  look()
  return () => stop()
}

export function isSignedBy(keys: FolderKeys, record: SignedRecord): boolean {
  return keys.verify(signedBytes(keys.id, record), record.signature)
}

/** The records as a host of the old secret takes them; without that secret's writing half only those that it signed. */
export function inOldSecret(old: FolderKeys, records: readonly SignedRecord[]): readonly SignedRecord[] {
  const { sign } = old
  if (sign === null) return records.filter((record) => isSignedBy(old, record))
  return records.map((record) => ({ ...record, signature: sign(signedBytes(old.id, record)) }))
}

/** The other way round. What the old secret has not signed stays as it is, and is refused by whoever checks it. */
export function inNewSecret(
  old: FolderKeys,
  keys: FolderKeys,
  records: readonly SignedRecord[],
): readonly SignedRecord[] {
  const { sign } = keys
  if (sign === null) return records
  return records.map((record) =>
    isSignedBy(old, record) ? { ...record, signature: sign(signedBytes(keys.id, record)) } : record,
  )
}
