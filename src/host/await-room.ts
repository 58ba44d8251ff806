/**
 * A start for which the disk of storage_path has no room waits until it has. A daemon that ended would be started again
 * and again, and given up by systemd just before the operator has made room.
 */
import { sdNotify } from '../base/sd-notify.ts'
import { type Clock } from '../base/clock.ts'
import { type Log } from '../base/log.ts'
import { isFullIndex } from '../db/index-error.ts'
import { feedWatchdog, type Signals } from './signals.ts'
import { whyNoWrites } from './storage-room.ts'

const LOOK_EVERY_MS = 5_000

export interface AwaitRoomNeeds {
  readonly storagePath: string
  readonly signals: Pick<Signals, 'stop'>
  readonly clock: Pick<Clock, 'sleep'>
  readonly log: Log
}

/** Throws `error` unless the start failed for want of room; else resolves when there is some, or the daemon is to stop. */
export async function awaitRoom(error: unknown, { storagePath, signals, clock, log }: AwaitRoomNeeds): Promise<void> {
  const why = (await whyNoWrites(storagePath)) ?? (isFullIndex(error) ? 'the index does not fit in' : null)
  if (why === null) throw error
  log.error(
    { err: error },
    `storage_path ${storagePath} takes no writes (${why}): make room there (\`df ${storagePath}\`), or mend its disk. Nothing is synced until then; looked at every ${LOOK_EVERY_MS / 1000} s, and it goes on by itself`,
  )
  // A start that took so long would be ended by systemd.
  sdNotify(`READY=1\nSTATUS=waiting for room in ${storagePath}`)
  const fed = feedWatchdog(() => sdNotify('WATCHDOG=1'))
  const stopping = new AbortController()
  void signals.stop.then(() => stopping.abort())
  do await clock.sleep(LOOK_EVERY_MS, stopping.signal).catch(() => {})
  while (!stopping.signal.aborted && (await whyNoWrites(storagePath)) !== null)
  fed()
  sdNotify('STATUS=')
}
