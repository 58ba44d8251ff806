/** What `doctor` finds around the daemon: the clock, the names of hosts, the watches of the system. */
import { execFile } from 'node:child_process'
import { lookup } from 'node:dns/promises'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { type Finding } from '../api/finding.ts'
import { type Config } from '../config/config.ts'
import { bad, fine, note } from './examine-storage.ts'

/** isosyncd is younger than that: a clock before it is wrong. */
const NOT_BEFORE_MS = Date.UTC(2026, 0, 1)
/** One watch for each directory; below this other programs may leave too few. */
const FEW_WATCHES = 8_192

export async function examineClock(nowMs: number): Promise<Finding> {
  const now = new Date(nowMs).toISOString()
  if (nowMs < NOT_BEFORE_MS)
    return bad(
      `the clock says ${now}, which cannot be: of two concurrent changes the wrong one may stay in place (the other is in the archive)`,
      '`timedatectl set-ntp true`',
    )
  const isSynchronised = await promisify(execFile)('timedatectl', ['show', '--property=NTPSynchronized', '--value'])
    .then(({ stdout }) => stdout.trim())
    .catch(() => 'unknown')
  if (isSynchronised === 'no')
    return {
      ...note(
        `the clock (${now}) is not kept right by a time server: nothing is lost by that, but of two concurrent changes the wrong one may stay in place`,
      ),
      mend: '`timedatectl set-ntp true`',
    }
  return fine(`the clock says ${now}`)
}

/** Of a daemon that is not running; a running one says itself what it knows of each host. */
export async function examineNames(config: Config): Promise<readonly Finding[]> {
  const hosts = new Map(config.folders.flatMap((folder) => folder.knownHosts).map((host) => [host.line, host]))
  const checked = await Promise.all(
    [...hosts.values()].map(async ({ line, host, kind }): Promise<Finding[]> => {
      if (kind !== 'name') return []
      return lookup(host).then(
        () => [],
        (error: NodeJS.ErrnoException) => [
          {
            level: 'warning',
            what: `${line}: ${host} does not resolve (${error.code ?? String(error)})`,
            mend: 'mend the name in known_hosts, or DNS',
          },
        ],
      )
    }),
  )
  const found = checked.flat()
  return found.length > 0 ? found : [fine(`${hosts.size} known hosts: their names resolve`)]
}

/** `most`: watches that the system allows; NaN where it does not say. */
export function examineWatches(most = mostWatches()): readonly Finding[] {
  const name = 'fs.inotify.max_user_watches'
  if (!(most < FEW_WATCHES)) return []
  return [
    {
      level: 'warning',
      what: `${name} is ${most}: directories beyond it are looked at by the rescan only`,
      mend: `echo ${name}=524288 > /etc/sysctl.d/90-isosyncd.conf && sysctl --system`,
    },
  ]
}

function mostWatches(): number {
  try {
    return Number(readFileSync('/proc/sys/fs/inotify/max_user_watches', 'utf8'))
  } catch {
    return NaN
  }
}
