/** This checkout, with the config of a pool and nothing tuned but `settle_seconds`: the clock is to measure the sending. */
import { copyFileSync, existsSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type StatusReport } from '../../../src/api/api-types.ts'
import { generateSecret } from '../../../src/base/secret.ts'
import { isosyncd as command, LAUNCHER, until } from '../../../test/e2e/cluster.ts'
import { isWhole } from '../payload.ts'
import { type Pool, type Program } from './program.ts'

const PORT = 58889

export const isosyncd: Program = {
  name: 'isosyncd',
  title: 'isosyncd',
  missing: () => null,
  unfit: () => null,
  async start(pool) {
    const secret = generateSecret()
    const all = [...pool.scenario.sites.keys()]
    for (const host of all) {
      writeFileSync(configFile(pool, host), JSON.stringify(configOf(pool, host, secret)), { mode: 0o600 })
      pool.hosts.start(host, [LAUNCHER, '--config', configFile(pool, host)], pool.log(host))
    }
    for (const host of all)
      await until(`host ${host} is connected`, async () => (await proven(pool, host)) >= all.length - 1)
    if (pool.older !== null) await spreadOlder(pool, pool.older, all)
    return { dropped: () => undefined, arrived: (host) => isWhole(pool, host) }
  },
}

function configFile(pool: Pool, host: number): string {
  return join(pool.home(host), 'sync.json')
}

function configOf(pool: Pool, host: number, secret: string): object {
  const known_hosts = [...pool.scenario.sites.keys()].map((other) => `${pool.address(other)}:${PORT}`)
  return {
    device_name: `host${host}`,
    listening_port: PORT,
    storage_path: join(pool.home(host), 'state'),
    ...(pool.scenario.wan === undefined ? {} : { site: `site${pool.scenario.sites[host]}` }),
    shared_folders: [{ secret, dir: pool.data(host), settle_seconds: 0, known_hosts }],
  }
}

/** Sockets of the control interface lie on the disk, and are reached from any namespace. */
async function proven(pool: Pool, host: number): Promise<number> {
  const { code, stdout } = await command(['status', '--json', '--config', configFile(pool, host)])
  if (code !== 0) return 0
  const report = JSON.parse(stdout) as StatusReport
  return report.folders.flatMap((folder) => folder.hosts).filter((other) => other.state === 'proven').length
}

/** Under another name: nobody tells isosyncd which file the new one resembles. */
async function spreadOlder(pool: Pool, older: string, all: readonly number[]): Promise<void> {
  const partial = join(pool.top, 'older.partial')
  copyFileSync(older, partial)
  renameSync(partial, join(pool.data(0), 'older.iso'))
  for (const host of all)
    await until(`the older image is on host ${host}`, () => existsSync(join(pool.data(host), 'older.iso')))
}
