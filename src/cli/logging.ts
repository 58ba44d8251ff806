/**
 * The log: JSON lines to stdout for journald, readable on a terminal, or JSON lines in a file. Secrets are of type
 * Redacted and print as [secret]; two nets below that catch what someone forgot to wrap.
 */
import { createRequire } from 'node:module'
import { pino } from 'pino'
import type pretty from 'pino-pretty'
import { type Log } from '../base/log.ts'
import { UsageError } from './exit-code.ts'

export interface Logging {
  readonly log: Log
  /** Opens the log file anew, for logrotate. Nothing to do for stdout. */
  readonly reopen: () => void
}

export interface LoggingOptions {
  /** null: stdout. */
  readonly file: string | null
  /** $ISOSYNCD_LOG_LEVEL. */
  readonly level: string | undefined
  readonly isTTY: boolean
}

/** First net: fields with these names, at the top or one level down. */
const SECRET_FIELDS = ['secret', 'network_secret', 'networkSecret', 'readKey', 'keys', 'privateKey']

/** Second net: anything that has the form of a folder secret (59 or 110 characters, see base/secret.ts). */
const LOOKS_LIKE_SECRET = /\b[AB](?:[A-Z2-7]{109}|[A-Z2-7]{58})\b/g

/** So much waits for a log that cannot be written; what comes after that is lost, and counted. */
const MOST_WAITING_BYTES = 1 << 20

const LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']

export function createLogging(options: LoggingOptions): Logging {
  const level = options.level ?? 'info'
  if (!LEVELS.includes(level))
    throw new UsageError(`$ISOSYNCD_LOG_LEVEL is '${level}': expected one of ${LEVELS.join(', ')}`)
  // Synchronous: the last line before a crash is the one that is wanted.
  const how = { sync: true, maxLength: MOST_WAITING_BYTES }
  const destination = pino.destination(
    options.file === null ? { ...how, dest: 1 } : { ...how, dest: options.file, mkdir: true },
  )
  const stream = options.file === null && options.isTTY ? readable() : destination
  const log = pino(loggerOptions(level), stream)
  outlive(destination, log)
  return {
    log,
    reopen: () => options.file !== null && destination.reopen(),
  }
}

/** A log that cannot be written, most likely on a full disk, must not end the daemon: it goes on when it can again. */
function outlive(destination: ReturnType<typeof pino.destination>, log: Log): void {
  let [lost, why] = [0, '']
  destination.on('error', (error: Error) => (why = error.message))
  destination.on('drop', () => {
    lost++
    destination.write('') // nothing new: tries again what waits
  })
  destination.on('drain', () => {
    if (lost === 0) return
    const fields = { lost }
    lost = 0
    log.warn(fields, `${fields.lost} lines of the log were lost: ${why}`)
  })
}

function loggerOptions(level: string): pino.LoggerOptions {
  return {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: { paths: SECRET_FIELDS.flatMap((field) => [field, `*.${field}`]), censor: '[secret]' },
    hooks: { streamWrite: (line) => line.replace(LOOKS_LIKE_SECRET, '[secret]') },
  }
}

/** pino-pretty in this thread, loaded only where someone looks. */
function readable(): pino.DestinationStream {
  const make = createRequire(import.meta.url)('pino-pretty') as typeof pretty
  return make({ sync: true, translateTime: 'SYS:HH:MM:ss', singleLine: true })
}
