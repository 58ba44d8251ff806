/**
 * A root as a host's daemon sees it in the simulation: a MemoryRoot behind a disk that takes its time, so that users,
 * crashes and other work come between any two operations, also between one carried out and its caller hearing of it.
 */
import { type MemoryRoot, TREE_CHANGES } from '../../src/fs/memory-root.ts'
import { type OpenFile, type Root, type StagedFile } from '../../src/fs/root.ts'
import { type Chance } from './chance.ts'
import { type HostClock } from './sim-time.ts'

const WRITING: ReadonlySet<string> = new Set([
  ...TREE_CHANGES,
  'writeMarker',
  'openStaged',
  'renameStaged',
  'dropStaged',
  'purgeArchived',
  'write',
  'truncate',
])

export interface SimRootNeeds {
  readonly root: MemoryRoot
  readonly clock: HostClock
  readonly chance: Chance
  /** The longest that an operation may take. */
  readonly slowestMs: () => number
  /** An operation begins or ends. False: the world has come to its end, nothing goes on. */
  readonly passing: () => boolean
  /** Something was carried out on the disk. */
  readonly wrote: (op: string, path: string) => void
}

export function simRoot(needs: SimRootNeeds): Root {
  return slowed(needs.root, '', needs)
}

type Method = (...given: unknown[]) => Promise<unknown>
type Calls<T, R> = keyof { [K in keyof T as T[K] extends (...given: never[]) => R ? K : never]: true }
type AtOnce<T> = Exclude<Calls<T, unknown>, Calls<T, Promise<unknown>>>

/** These answer at once, without the disk: what is known of an open file, and which marker is ours. */
const AT_ONCE: Record<AtOnce<Root & StagedFile>, true> = { canShare: true, dataFrom: true, trust: true }

function slowed<T extends object>(target: T, name: string, needs: SimRootNeeds): T {
  return new Proxy(target, {
    get(on, property) {
      const value: unknown = Reflect.get(on, property, on)
      if (typeof value !== 'function' || typeof property !== 'string') return value
      if (property in AT_ONCE) return (value as Method).bind(on)
      return async (...given: unknown[]) => {
        await pause(needs)
        const result = await (value as Method).apply(on, given).catch((error: unknown) => failed(error, needs))
        const path = typeof given[0] === 'string' ? given[0] : name
        if (WRITING.has(property)) needs.wrote(property, property === 'install' ? String(given[1]) : path)
        await pause(needs)
        return isOpenFile(result) ? slowed(result, path, needs) : result
      }
    },
  })
}

/** A crash in the midst of it: nobody hears of that either. */
async function failed(error: unknown, { clock }: SimRootNeeds): Promise<never> {
  if (clock.isDead) await new Promise(() => {})
  throw error
}

async function pause({ clock, chance, slowestMs, passing }: SimRootNeeds): Promise<void> {
  const most = slowestMs()
  if (clock.isDead || !passing()) await new Promise(() => {}) // it never hears of it
  if (most > 0 && chance.oneIn(3)) await clock.sleep(chance.below(most * 1000) / 1000)
}

function isOpenFile(result: unknown): result is OpenFile {
  return typeof result === 'object' && result !== null && 'fd' in result
}
