/**
 * How long a daemon's event loop is kept from its next turn. `measured` makes the environment in which a daemon counts
 * that itself, by loading this very file before its own; SIGUSR2 begins anew, and when it ends it writes what it counted.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { isMainThread } from 'node:worker_threads'

const VARIABLE = 'ISOSYNCD_BENCH_LOOP_DELAY'
/** A turn that is on time is late by as much. */
const RESOLUTION_MS = 1

/** `dir`: where the figures go. */
export function measured(dir: string): NodeJS.ProcessEnv {
  return { [VARIABLE]: dir, NODE_OPTIONS: `--import=${import.meta.filename}` }
}

/** The 99th percentile in milliseconds, of a daemon that has ended. */
export function loopDelayP99Ms(dir: string, pid: number): number {
  return Number(readFileSync(join(dir, `loop-delay.${pid}`), 'utf8'))
}

const dir = process.env[VARIABLE]
if (dir !== undefined && isMainThread) {
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  delays.enable()
  process.on('SIGUSR2', () => delays.reset())
  process.on('exit', () =>
    writeFileSync(join(dir, `loop-delay.${process.pid}`), (delays.percentile(99) / 1e6 - RESOLUTION_MS).toFixed(1)),
  )
}
