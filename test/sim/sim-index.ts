/**
 * The index of a host in one life of it: real SQLite, but the power may go out just before or just after a transaction,
 * and what is dead neither reads nor writes.
 */
import { type FolderIndex } from '../../src/db/index-port.ts'

/** The power went out: nobody is left to hear of it. */
export class PowerFailure extends Error {
  override readonly name = 'PowerFailure'
}

export interface SimIndexNeeds {
  readonly isDead: () => boolean
  /** May crash the host, and throw PowerFailure. */
  readonly step: () => void
  /** Depth of transactions: what is in one is not durable yet. */
  readonly entered: (depth: number) => void
}

type Method = (...given: unknown[]) => unknown

export function simIndex(index: FolderIndex, needs: SimIndexNeeds): FolderIndex {
  let depth = 0
  const durable = <T>(work: () => T): T => {
    if (depth === 0) needs.step()
    needs.entered(++depth)
    let done: T
    try {
      done = work()
    } finally {
      needs.entered(--depth)
    }
    if (depth === 0) needs.step()
    return done
  }
  const ours: Record<string, unknown> = { replica: index.replica }
  for (const name of methodsOf(index)) {
    const method = (index[name] as Method).bind(index)
    const isWrite = name === 'commit' || name === 'together'
    ours[name] = (...given: unknown[]) => {
      if (needs.isDead()) throw new PowerFailure('this host is dead')
      return isWrite ? durable(() => method(...given)) : method(...given)
    }
  }
  return ours as unknown as FolderIndex
}

function methodsOf(index: FolderIndex): readonly (keyof FolderIndex)[] {
  const names = Object.getOwnPropertyNames(Object.getPrototypeOf(index)) as (keyof FolderIndex)[]
  return names.filter((name) => (name as string) !== 'constructor' && typeof index[name] === 'function')
}
