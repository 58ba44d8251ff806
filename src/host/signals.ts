/** SIGHUP, SIGTERM and SIGINT, and the watchdog that systemd wants fed. */
import { type Log } from '../base/log.ts'

/** A stop that hangs is ended by force: systemd would do the same, later. */
const STOP_MS = 9_000

export interface Signals {
  /** Resolves at the first SIGTERM or SIGINT. */
  readonly stop: Promise<void>
  /** Each SIGHUP calls `reload` from now on; one that came before does at once. Null: the next one will. */
  onReload(reload: (() => void) | null): void
}

/** Catches the signals from now on: before all is up, too, they must not end the process in the middle of something. */
export function catchSignals(needs: { log: Log }): Signals {
  const stop = Promise.withResolvers<void>()
  const stopping = (signal: NodeJS.Signals) => {
    needs.log.info({ signal }, `stopping: ${signal}`)
    // Only a last resort: everything that is under way is safe to lose, and staging is kept.
    setTimeout(() => process.exit(1), STOP_MS).unref()
    stop.resolve()
  }
  process.once('SIGTERM', stopping)
  process.once('SIGINT', stopping)
  let missed = false
  const miss = () => {
    missed = true
  }
  let reload = miss
  process.on('SIGHUP', () => reload())
  return {
    stop: stop.promise,
    onReload(given) {
      reload = given ?? miss
      if (given !== null && missed) given()
      if (given !== null) missed = false
    },
  }
}

/** Feeds systemd's watchdog from the control loop, so that a loop that hangs is restarted. Returns what ends it. */
export function feedWatchdog(feed: () => void, usec: string | undefined = process.env['WATCHDOG_USEC']): () => void {
  const everyMs = Number(usec ?? 0) / 1000 / 3
  if (!(everyMs > 0)) return () => {}
  const timer = setInterval(feed, everyMs).unref()
  return () => clearInterval(timer)
}
