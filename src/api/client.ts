/** A sub-command's end of the control socket. */
import { request } from 'node:http'
import {
  type ArchiveListing,
  type HeldReport,
  type NewIdentityReport,
  type PurgeReport,
  type PurgeWhat,
  type RescanReport,
  type RestoreReport,
  type ScrubReport,
  type StatusReport,
  type WhereReport,
} from './api-types.ts'
import { ControlError, isControlErrorCode } from './control-error.ts'
import { reachableSocketPath } from './socket-path.ts'

/** Every method rejects with ControlError: 'not-running', 'denied', or what the daemon answered. */
export interface ControlClient {
  status(): Promise<StatusReport>
  where(path: string, folder?: string): Promise<WhereReport>
  rescan(folder?: string): Promise<RescanReport>
  approve(options: { folder?: string; path?: string }): Promise<readonly HeldReport[]>
  discard(folder?: string): Promise<readonly HeldReport[]>
  scrub(options: { folder?: string; path?: string; now?: boolean }): Promise<readonly ScrubReport[]>
  newIdentity(): Promise<NewIdentityReport>
  archiveList(folder?: string): Promise<readonly ArchiveListing[]>
  archiveRestore(name: string, options?: { folder?: string; to?: string }): Promise<RestoreReport>
  archivePurge(what: PurgeWhat, folder?: string): Promise<PurgeReport>
}

/** What is restored or approved is read and hashed first: a large file, by a disk that has other things to do. */
const HASHING_TIMEOUT_MS = 3_600_000
/** `where` asks all peers and a purge may unlink thousands of files; a daemon that is silent for longer is stuck. */
const ANSWER_TIMEOUT_MS = 60_000

export interface ControlClientOptions {
  readonly socketPath: string
  /** What to do when nobody answers: ends that error's message. */
  readonly advice: string
}

export function createControlClient(options: ControlClientOptions): ControlClient {
  const post = <T>(path: string, body: object, timeoutMs = ANSWER_TIMEOUT_MS) =>
    ask<T>(options, { method: 'POST', path, body: JSON.stringify(body), timeoutMs })
  return {
    status: () => ask(options, { method: 'GET', path: '/status', body: '', timeoutMs: ANSWER_TIMEOUT_MS }),
    where: (path, folder) => post('/where', { path, folder }),
    rescan: (folder) => post('/rescan', { folder }),
    approve: (options) => post('/approve', options, HASHING_TIMEOUT_MS),
    discard: (folder) => post('/discard', { folder }),
    scrub: (options) => post('/scrub', options),
    newIdentity: () => post('/new-identity', {}),
    archiveList: (folder) => post('/archive/list', { folder }),
    archiveRestore: (name, options = {}) => post('/archive/restore', { name, ...options }, HASHING_TIMEOUT_MS),
    archivePurge: (what, folder) => post('/archive/purge', { what, folder }),
  }
}

interface Question {
  readonly method: string
  readonly path: string
  readonly body: string
  readonly timeoutMs: number
}

async function ask<T>(options: ControlClientOptions, question: Question): Promise<T> {
  const { status, text } = await exchange(options, question)
  const answer = parsed(text)
  if (status === 200) return answer as T
  const { error, message } = (answer ?? {}) as { error?: unknown; message?: unknown }
  const code = isControlErrorCode(error) ? error : 'failed'
  throw new ControlError(code, typeof message === 'string' ? message : `the daemon answered with HTTP status ${status}`)
}

async function exchange(whom: ControlClientOptions, { method, path, body, timeoutMs }: Question) {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; text: string }>()
  const reachable = reachOrThrow(whom)
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
  // A connection of its own: one that is kept may have been closed by the daemon just when it is used again.
  const options = { socketPath: reachable.path, method, path, headers, timeout: timeoutMs, agent: false }
  const sent = request(options, (response) => {
    let text = ''
    response.setEncoding('utf8')
    response.on('data', (part: string) => (text += part))
    response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
    response.on('error', reject)
  })
  sent.on('timeout', () => sent.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)))
  sent.on('error', reject)
  sent.end(body)
  return promise.catch((error: unknown) => Promise.reject(inWords(whom, error))).finally(() => reachable.release())
}

function reachOrThrow(options: ControlClientOptions) {
  try {
    return reachableSocketPath(options.socketPath)
  } catch (error) {
    throw inWords(options, error)
  }
}

function inWords({ socketPath, advice }: ControlClientOptions, error: unknown): ControlError {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'ENOENT')
    return new ControlError('not-running', `the daemon is not running: there is no socket ${socketPath}. ${advice}`)
  if (code === 'ECONNREFUSED') {
    return new ControlError(
      'not-running',
      `the daemon is not running: nobody answers on ${socketPath} (left behind by one that died). ${advice}`,
    )
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return new ControlError(
      'denied',
      `this user may not open ${socketPath}: run the command as the daemon's user or as root`,
    )
  }
  return new ControlError('failed', `${socketPath}: ${message}`, { cause: error })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
