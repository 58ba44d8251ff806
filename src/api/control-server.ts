/**
 * The daemon's end of the control socket: `control.sock` in storage_path, mode 0600 from the first moment. Whoever may
 * open it may do everything, so there is no other check.
 */
import { unlinkSync } from 'node:fs'
import { type Server } from 'node:http'
import { connect } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import { type ControlVerbs, createControlApp } from './control-app.ts'
import { ControlError } from './control-error.ts'
import { reachableSocketPath } from './socket-path.ts'

export interface ControlServer {
  readonly socketPath: string
  /** Stops listening, ends open connections and removes the socket. */
  close(): Promise<void>
}

/** Group and others get nothing: the socket is made with mode 0600, there is no moment before a chmod. */
const OWNER_ONLY_UMASK = 0o177

/**
 * Listens on `socketPath`. A socket that a dead daemon left behind is replaced; a live one rejects with ControlError
 * 'in-the-way'.
 */
export async function createControlServer(
  options: { socketPath: string },
  verbs: ControlVerbs,
): Promise<ControlServer> {
  const { socketPath } = options
  const reachable = reachableSocketPath(socketPath)
  try {
    await removeStale(reachable.path, socketPath)
    // Plain HTTP: no createServer option is given.
    const server = createAdaptorServer({ fetch: createControlApp(verbs).fetch }) as Server
    await listen(server, reachable.path)
    return { socketPath, close: () => close(server, reachable) }
  } catch (error) {
    reachable.release()
    throw error
  }
}

async function listen(server: Server, path: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  // listen() binds before it returns, so the umask covers it and nothing else.
  const before = process.umask(OWNER_ONLY_UMASK)
  try {
    server.listen(path, resolve)
  } finally {
    process.umask(before)
  }
  await promise
  server.off('error', reject)
}

async function removeStale(path: string, shown: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const probe = connect(path, () => resolve(true)).once('error', () => resolve(false))
  const alive = await promise
  probe.destroy()
  if (alive) throw new ControlError('in-the-way', `another isosyncd already answers on ${shown}`)
  try {
    unlinkSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

async function close(server: Server, reachable: { release(): void }): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  // Node removes the socket file itself.
  server.close(() => resolve())
  server.closeAllConnections()
  await promise
  reachable.release()
}
