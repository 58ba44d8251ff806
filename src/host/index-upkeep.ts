/** Keeps the index from growing for ever: piece lists that nothing names any more are forgotten, at leisure. */
import { type Clock } from '../base/clock.ts'
import { type Log } from '../base/log.ts'
import { type IndexDatabase } from '../db/open.ts'

/** What is garbage today does no harm tomorrow. */
const EVERY_MS = 3_600_000
/** Between two bounded parts of the work, so that it is never felt. */
const PAUSE_MS = 200

/** Runs every hour; returns what ends it. */
export function keepIndexSmall(
  index: Pick<IndexDatabase, 'collectGarbage'>,
  needs: { clock: Clock; log: Log },
): () => void {
  let forgotten = 0
  let cancel = needs.clock.after(EVERY_MS, work)
  function work(): void {
    const lists = collect()
    forgotten += lists
    if (lists === 0 && forgotten > 0)
      needs.log.debug({ lists: forgotten }, 'forgot piece lists that nothing names any more')
    if (lists === 0) forgotten = 0
    cancel = needs.clock.after(lists > 0 ? PAUSE_MS : EVERY_MS, work)
  }
  /** What cannot be done now, on a full disk, is done in an hour. */
  function collect(): number {
    try {
      return index.collectGarbage(new Set())
    } catch (error) {
      needs.log.warn({ err: error }, 'could not tidy up the index; tried again in an hour')
      return 0
    }
  }
  return () => cancel()
}
