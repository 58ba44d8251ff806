/** SIGHUP, SIGTERM and SIGINT, and the watchdog that systemd wants fed. */
import { type Log } from '../base/log.ts'

/** A stop that hangs is ended by force: systemd would do the same, later. */
const STOP_MS = 9_000

/** Resolves at the first SIGTERM or SIGINT; each SIGHUP calls `reload`. */
export function untilSignal(needs: { reload: () => void; log: Log }): Promise<void> {
  return new Promise((resolve) => {
    const stop = (signal: NodeJS.Signals) => {
      needs.log.info({ signal }, `stopping: ${signal}`)
      // Only a last resort: everything that is under way is safe to lose, and staging is kept.
      setTimeout(() => process.exit(1), STOP_MS).unref()
      resolve()
    }
    process.once('SIGTERM', stop)
    process.once('SIGINT', stop)
    process.on('SIGHUP', () => needs.reload())
  })
}

/** Feeds systemd's watchdog from the control loop, so that a loop that hangs is restarted. Returns what ends it. */
export function feedWatchdog(feed: () => void, usec: string | undefined = process.env['WATCHDOG_USEC']): () => void {
  const everyMs = Number(usec ?? 0) / 1000 / 3
  if (!(everyMs > 0)) return () => {}
  const timer = setInterval(feed, everyMs).unref()
  return () => clearInterval(timer)
}
