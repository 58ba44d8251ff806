/** Which config a sub-command goes by, and through which socket it reaches the daemon. */
import { existsSync, readFileSync } from 'node:fs'
import { controlSocketPath } from '../api/socket-path.ts'
import { createControlClient, type ControlClient } from '../api/client.ts'
import { placeOf } from '../config/directories.ts'
import { parseDocument } from '../config/document.ts'
import { defaultStoragePath, storageCandidates, type Surroundings } from '../config/storage-path.ts'
import { UsageError } from './exit-code.ts'

export const DEFAULT_CONFIG = '/etc/isosyncd/sync.json'

/** --config FILE, else $ISOSYNCD_CONFIG, else /etc/isosyncd/sync.json. */
export function configFile(given: string | undefined, env: Surroundings['env']): string {
  const file = given ?? (env['ISOSYNCD_CONFIG'] || DEFAULT_CONFIG)
  if (existsSync(file)) return file
  const tried =
    given === undefined && !env['ISOSYNCD_CONFIG'] ? ' (neither --config FILE nor $ISOSYNCD_CONFIG is given)' : ''
  throw new UsageError(
    `there is no config file ${file}${tried}; \`isosyncd --dump-sample-config\` prints one to start from`,
  )
}

/** A client for the daemon of that config. Says what to do when nobody answers. */
export function connectToDaemon(given: string | undefined, surroundings: Surroundings): ControlClient {
  const file = configFile(given, surroundings.env)
  const advice = `Start it with \`systemctl start isosyncd\` or \`isosyncd --config ${file}\`. If it runs with another config, give that one with --config.`
  return createControlClient({ socketPath: socketOf(file, surroundings), advice })
}

/** Only storage_path counts here: `status` must work although a folder's disk is gone and the config is wrong. */
export function socketOf(file: string, surroundings: Surroundings): string {
  const value = parseDocument(read(file)).value as { storage_path?: unknown } | undefined
  const written = value?.storage_path
  if (typeof written === 'string' && written !== '') return controlSocketPath(placeOf([], written, file).real)
  const sockets = storageCandidates(surroundings).map(controlSocketPath)
  return sockets.find((path) => existsSync(path)) ?? controlSocketPath(defaultStoragePath(surroundings))
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new UsageError(`${file} cannot be read: ${(error as Error).message}`)
  }
}
