/** Syncthing without discovery, relays and NAT: each knows each. The source is told to look as soon as there is something. */
import { mkdirSync, copyFileSync, existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { until } from '../../../test/e2e/cluster.ts'
import { run } from '../hosts.ts'
import { isWhole } from '../payload.ts'
import { missingCommands, type Pool, type Program } from './program.ts'

const KEY = 'bench'

export const syncthing: Program = {
  name: 'syncthing',
  title: 'Syncthing',
  missing: () => missingCommands({ syncthing: 'syncthing', curl: 'curl' }),
  unfit: () => null,
  async start(pool) {
    const all = [...pool.scenario.sites.keys()]
    const devices = all.map((host) => ({ address: pool.address(host), id: identity(homeOf(pool, host)) }))
    for (const host of all) {
      mkdirSync(join(pool.data(host), '.stfolder'), { recursive: true })
      writeFileSync(join(homeOf(pool, host), 'config.xml'), configOf(pool, host, devices))
      const words = ['serve', '--home', homeOf(pool, host), '--no-browser', '--no-upgrade']
      pool.hosts.start(host, ['syncthing', ...words], pool.log(host), { HOME: pool.home(host) })
    }
    for (const host of all) await until(`host ${host} is connected`, () => connected(pool, host) === all.length - 1)
    if (pool.older !== null) await spreadOlder(pool, pool.older, all)
    return { dropped: () => look(pool), arrived: (host) => isWhole(pool, host) }
  },
}

function homeOf(pool: Pool, host: number): string {
  return join(pool.home(host), 'syncthing')
}

function identity(home: string): string {
  run('syncthing', 'generate', '--home', home, '--no-default-folder')
  return run('syncthing', '--home', home, '--device-id').trim()
}

function configOf(pool: Pool, host: number, devices: readonly { address: string; id: string }[]): string {
  const known = devices.map(
    ({ id, address }) => `<device id="${id}" compression="metadata"><address>tcp://${address}:22000</address></device>`,
  )
  const off = ['globalAnnounce', 'localAnnounce', 'relays', 'nat', 'crashReporting'].map(
    (what) => `<${what}Enabled>false</${what}Enabled>`,
  )
  return `<configuration version="36">
<folder id="pool" path="${pool.data(host)}" type="sendreceive" rescanIntervalS="3600" fsWatcherEnabled="true" fsWatcherDelayS="1">
${devices.map(({ id }) => `<device id="${id}"></device>`).join('')}<minDiskFree unit="%">0</minDiskFree></folder>
${known.join('\n')}
<gui enabled="true" tls="false"><address>127.0.0.1:8384</address><apikey>${KEY}</apikey></gui>
<options><listenAddress>tcp://${pool.address(host)}:22000</listenAddress>${off.join('')}<urAccepted>-1</urAccepted>
<autoUpgradeIntervalH>0</autoUpgradeIntervalH><startBrowser>false</startBrowser><setLowPriority>false</setLowPriority>
<reconnectionIntervalS>2</reconnectionIntervalS></options></configuration>`
}

function api(pool: Pool, host: number, method: string, path: string): string {
  return pool.hosts.ask(host, ['curl', '-s', '-X', method, '-H', `X-API-Key: ${KEY}`, `http://127.0.0.1:8384${path}`])
}

function connected(pool: Pool, host: number): number {
  try {
    const report = JSON.parse(api(pool, host, 'GET', '/rest/system/connections')) as {
      connections: Record<string, { connected: boolean }>
    }
    return Object.values(report.connections).filter((other) => other.connected).length
  } catch {
    return 0 // it does not answer yet
  }
}

function look(pool: Pool): void {
  api(pool, 0, 'POST', '/rest/db/scan?folder=pool')
}

async function spreadOlder(pool: Pool, older: string, all: readonly number[]): Promise<void> {
  copyFileSync(older, join(pool.data(0), 'older.iso'))
  look(pool)
  for (const host of all)
    await until(`the older image is on host ${host}`, () => existsSync(join(pool.data(host), 'older.iso')))
}
