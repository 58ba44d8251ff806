/**
 * Where identity, index and control socket lie when the config does not say: $STATE_DIRECTORY (systemd), else
 * /var/lib/isosyncd, else ~/.local/state/isosyncd.
 */
import { accessSync, constants, existsSync } from 'node:fs'
import { homedir, hostname } from 'node:os'
import { dirname, join } from 'node:path'

/** What the defaults depend on; given, so that tests can choose. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly home: string
  /** The machine's host name. */
  readonly hostName: string
}

export function thisMachine(): Surroundings {
  return { env: process.env, home: homedir(), hostName: hostname() }
}

export const SYSTEM_STORAGE = '/var/lib/isosyncd'

/** All places in the order in which they are tried. */
export function storageCandidates({ env, home }: Surroundings): readonly string[] {
  // systemd gives a list when the unit names several directories (systemd.exec, StateDirectory=).
  const given = env['STATE_DIRECTORY']?.split(':')[0]
  const own = join(home, '.local/state/isosyncd')
  return given ? [given, SYSTEM_STORAGE, own] : [SYSTEM_STORAGE, own]
}

/** The place that a daemon started now would use. */
export function defaultStoragePath(surroundings: Surroundings): string {
  const candidates = storageCandidates(surroundings)
  const [first = SYSTEM_STORAGE] = candidates
  return first === SYSTEM_STORAGE ? (candidates.find(mayUse) ?? first) : first
}

function mayUse(path: string): boolean {
  try {
    accessSync(existsSync(path) ? path : dirname(path), constants.W_OK)
    return true
  } catch {
    return path !== SYSTEM_STORAGE
  }
}
