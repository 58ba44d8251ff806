/**
 * The secrets by which a folder knows its peers: its own, and until an end date the one before (old-secret.ts). A host
 * that does not take the one is tried with the other next time.
 */
import { type FolderId } from '../base/brand.ts'
import { type Clock } from '../base/clock.ts'
import { type FolderKeys } from '../base/secret.ts'
import { inNewSecret, inOldSecret, isOver, type OldSecret, watchEnd } from './old-secret.ts'
import { type RecordsOnTheWire } from './peer-session.ts'

export interface FolderSecretsNeeds {
  readonly clock: Pick<Clock, 'now' | 'after'>
  /** The end has come of the secret by which hosts know the folder as `id`. */
  readonly over: (id: FolderId) => void
}

export class FolderSecrets {
  readonly keys: FolderKeys
  readonly #previous: OldSecret | null
  readonly #clock: Pick<Clock, 'now'>
  /** Hosts that did not take the new secret: the old one is tried next. */
  readonly #backward = new Set<string>()
  readonly #stopWatch: () => void

  constructor(keys: FolderKeys, previous: OldSecret | null, { clock, over }: FolderSecretsNeeds) {
    this.keys = keys
    this.#previous = previous
    this.#clock = clock
    this.#stopWatch = previous === null ? () => {} : watchEnd(previous, clock, () => over(previous.keys.id))
  }

  close(): void {
    this.#stopWatch()
  }

  /** By which the folder is known as that; null: it is not. */
  keysOf(id: FolderId): FolderKeys | null {
    if (id === this.keys.id) return this.keys
    const old = this.#old()
    return old !== null && id === old.keys.id ? old.keys : null
  }

  /** What to try first with a host. */
  keysFor(peerId: string): FolderKeys {
    return (this.#backward.has(peerId) ? this.#old()?.keys : null) ?? this.keys
  }

  /** The host has not taken what was tried. */
  tryOther(peerId: string): void {
    if (this.#old() === null || this.#backward.has(peerId)) this.#backward.delete(peerId)
    else this.#backward.add(peerId)
  }

  /** It is no peer any more: next time all begins anew. */
  forget(peerId: string): void {
    this.#backward.delete(peerId)
  }

  /** How records are said to, and taken from, a host that has proven these keys. */
  translator(proven: FolderKeys): RecordsOnTheWire {
    if (proven === this.keys) return { said: (records) => records, heard: (records) => records }
    return {
      said: (records) => inOldSecret(proven, records),
      heard: (records) => inNewSecret(proven, this.keys, records),
    }
  }

  /** Null where there is none, or its time is over. */
  #old(): OldSecret | null {
    return this.#previous === null || isOver(this.#previous, this.#clock) ? null : this.#previous
  }
}
