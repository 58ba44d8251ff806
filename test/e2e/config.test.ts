/** The config file as operators have it: the pool's of today with its comments, several folders, names and addresses. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { type HostReport } from '../../src/api/api-types.ts'
import { generateSecret } from '../../src/base/secret.ts'
import { writeIsoImage } from '../iso-image.ts'
import { Cluster, type Host, until } from './cluster.ts'
import { report } from './pool.ts'

const SAMPLE = readFileSync(join(import.meta.dirname, '../../config/sync.sample.json'), 'utf8')
/** RFC 6761: it never resolves. */
const NOWHERE = 'isoserver99.invalid:58889'

/** The text with each of `words` replaced; each must be there. */
function filledIn(text: string, words: Readonly<Record<string, string>>): string {
  return Object.entries(words).reduce((filled, [word, value]) => {
    assert.ok(filled.includes(word), `the sample has ${word}`)
    return filled.replaceAll(word, value)
  }, text)
}

/** The sample of host `i`: nothing but secret, dir, host names, port and, with three on one machine, pid_file. */
function sampleOf(cluster: Cluster, i: number): string {
  const [first = '', second = '', third = ''] = cluster.knownHosts()
  return filledIn(SAMPLE, {
    MY_SECRET_1: cluster.secret,
    '"/srv/iso"': `"${cluster.host(i).dir}"`,
    'isoserver01.example.com:58889': first,
    'isoserver11.example.net:58889': second,
    'isoserver21.example.org:58889': third,
    'isoserver02.example.com:58889': NOWHERE,
    '"listening_port": 58889': `"listening_port": ${cluster.ports[i]}`,
    '/var/run/isosyncd': cluster.host(i).home,
  })
}

async function hostsOf(host: Host): Promise<readonly HostReport[]> {
  return (await report(host))?.hosts ?? []
}

test('three daemons with the sample config, comments and all, keep an image identical', async () => {
  await using cluster = await Cluster.make({ hosts: 3 })
  const [first, ...others] = cluster.hosts as [Host, ...Host[]]
  writeIsoImage(first.path('debian-12.iso'), { contentBytes: 5_000_000 })
  for (const [i, host] of cluster.hosts.entries()) {
    writeFileSync(host.configFile, sampleOf(cluster, i), { mode: 0o600 })
    // As systemd does for a unit with StateDirectory=
    host.start({ STATE_DIRECTORY: join(host.home, 'state') })
  }
  for (const host of others) {
    await until('the image has arrived', () => existsSync(host.path('debian-12.iso')))
    assert.ok(readFileSync(host.path('debian-12.iso')).equals(readFileSync(first.path('debian-12.iso'))))
  }
  for (const host of cluster.hosts) {
    const pid = readFileSync(join(host.home, 'isosyncd.pid'), 'utf8')
    assert.equal(pid, `${host.pid}\n`)
    const warnings = host.log().filter(({ level, key }) => level === 'warn' && key !== undefined)
    assert.deepEqual(warnings, [], 'a config that works today draws no warning')
    assert.equal((await hostsOf(host)).filter((line) => line.self).length, 1, 'it knows itself among known_hosts')
  }
})

test('names that do not resolve are shown with the next try, and stop nothing', async () => {
  await using cluster = await Cluster.make({
    hosts: 2,
    configure: (config, _i, { ports }) => {
      const known_hosts = [`localhost:${ports[0]}`, `localhost:${ports[1]}`, NOWHERE, 'store-7:58889']
      Object.assign(config.shared_folders[0] ?? {}, { known_hosts })
    },
  })
  for (const host of cluster.hosts) host.start()
  await cluster.connected()
  writeFileSync(cluster.host(0).path('a.txt'), 'a')
  await until('it has arrived', () => existsSync(cluster.host(1).path('a.txt')))
  await until('both names are shown as not resolving', async () => {
    const lines = (await hostsOf(cluster.host(0))).slice(2)
    return lines.length === 2 && lines.every(({ state, why }) => state === 'down' && why.includes('does not resolve'))
  })
  const [, , unknown] = await hostsOf(cluster.host(0))
  assert.match(unknown?.why ?? '', /^isoserver99\.invalid does not resolve \(E[A-Z_]+\): .*; next try in /)
  const where = await cluster.host(0).where('a.txt')
  assert.deepEqual(
    where.hosts.map(({ host, state }) => `${host.split(':')[0]} ${state}`),
    ['localhost whole', 'localhost whole', 'isoserver99.invalid unreachable', 'store-7 unreachable'],
  )
  assert.equal(where.code, 1)
})

const hasIpv6 = Object.values(networkInterfaces()).some((found) => found?.some(({ address }) => address === '::1'))

test('IPv6 addresses in known_hosts: [::1]:port', { skip: !hasIpv6 && 'this machine has no IPv6' }, async () => {
  await using cluster = await Cluster.make({
    hosts: 2,
    configure: (config, _i, { ports }) =>
      Object.assign(config.shared_folders[0] ?? {}, { known_hosts: ports.map((port) => `[::1]:${port}`) }),
  })
  for (const host of cluster.hosts) host.start()
  await cluster.connected()
  writeFileSync(cluster.host(1).path('six.txt'), '6')
  await until('it has arrived', () => existsSync(cluster.host(0).path('six.txt')))
  const lines = await hostsOf(cluster.host(0))
  assert.deepEqual(
    lines.map(({ host, state, deviceName }) => [host, state, deviceName]),
    [
      [`[::1]:${cluster.ports[0]}`, 'self', 'host1'],
      [`[::1]:${cluster.ports[1]}`, 'proven', 'host2'],
    ],
  )
})

test('several folders in one config are kept apart, and a host has those that its config names', async () => {
  const more = generateSecret()
  const moreDir = (cluster: Cluster, i: number) => join(cluster.host(i).home, 'more')
  await using cluster = await Cluster.make({
    hosts: 3,
    configure: (config, i, cluster) => {
      const [folder = {}] = config.shared_folders
      mkdirSync(moreDir(cluster, i), { recursive: true })
      const second = { ...folder, secret: more, dir: moreDir(cluster, i) }
      // The third host has the second folder only; the first does not name it in the first.
      config.shared_folders = i === 2 ? [second] : [folder, second]
      if (i !== 2) folder['known_hosts'] = cluster.knownHosts().slice(0, 2)
    },
  })
  for (const host of cluster.hosts) host.start()
  const [first, second, third] = cluster.hosts as [Host, Host, Host]
  writeFileSync(first.path('only-two.txt'), '2')
  writeFileSync(join(moreDir(cluster, 2), 'all-three.txt'), '3')
  await until('the first folder is in step', () => existsSync(second.path('only-two.txt')))
  for (const i of [0, 1]) await until('the second too', () => existsSync(join(moreDir(cluster, i), 'all-three.txt')))
  await until(
    'all say so',
    async () => (await first.cli('where', join(moreDir(cluster, 0), 'all-three.txt'))).code === 0,
  )

  assert.deepEqual(
    [existsSync(third.path('only-two.txt')), existsSync(join(moreDir(cluster, 2), 'only-two.txt'))],
    [false, false],
  )
  const status = await first.status()
  assert.deepEqual(
    status?.folders.map(({ dir, files }) => [dir, files]),
    [
      [first.dir, 1],
      [moreDir(cluster, 0), 1],
    ],
  )
  const unclear = await first.cli('where', 'only-two.txt')
  assert.equal(unclear.code, 2)
  assert.match(unclear.stderr, /several folders: say which with --folder/)
  assert.equal((await first.cli('where', 'only-two.txt', '--folder', 'pool')).code, 0)
})
