/** What a host tells another must be true after a crash at this instant: judged at the moment at which it is sent. */
import { type IndexDatabase } from '../../src/db/open.ts'
import { type FolderMessage } from '../../src/net/peer-port.ts'
import { type SignedRecord } from '../../src/sync/record.ts'
import { compareVersions } from '../../src/sync/version.ts'
import { type SimHost } from './sim-host.ts'

export class Told {
  /** Up to where in whose numbering each index has rightly confirmed. */
  readonly #confirmed = new WeakMap<IndexDatabase, WeakMap<IndexDatabase, number>>()

  /** What is untrue of it, or null. */
  untrue(from: SimHost, to: SimHost, message: FolderMessage): string | null {
    if (message.type === 'records') {
      const early = message.records.find((record) => !isDurable(from, record))
      return early === undefined ? null : `it told ${to.name} of ${early.path}, which a crash now would take back`
    }
    return message.type === 'stored' ? this.#untrueStored(from, to, message.upTo) : null
  }

  #untrueStored(from: SimHost, to: SimHost, upTo: number): string | null {
    const known = this.#confirmed.get(from.index) ?? new WeakMap<IndexDatabase, number>()
    const after = known.get(to.index) ?? 0
    if (upTo <= after) return null
    this.#confirmed.set(from.index, known.set(to.index, upTo))
    const news = to.records.recordsAfter(after, 1_000_000).filter(({ sequence }) => sequence <= upTo)
    const missing = news.find(({ record }) => !isDurable(from, record))
    return missing === undefined
      ? null
      : `it confirmed the record of ${missing.record.path} to ${to.name}, and has not stored it`
  }
}

/** It, or what replaces it, is in the index of the host, and no transaction is open. */
function isDurable(host: SimHost, record: SignedRecord): boolean {
  if (host.isCommitting) return false
  return host.records.recordsOf(record.path).some((known) => {
    const order = compareVersions(record.version, known.version)
    return order === 'equal' || order === 'before'
  })
}
