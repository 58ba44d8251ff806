/**
 * Looks for the secrets of a pool, and the keys derived from them, wherever daemons leave traces: logs at trace level,
 * storage, what lies beside the pool, answers of every command, command line and environment. Each key is looked for in
 * every form that it could have.
 */
import { hkdfSync, randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { base32nopad } from '@scure/base'
import { generateSecret, readOnlySecret } from '../../src/base/secret.ts'
import { Cluster, type Host, isosyncd, until } from './cluster.ts'
import { drop } from './pool.ts'

const FILE_BYTES = 200_000
const SECRET_BYTES = 32
const ASKED = [
  ['status'],
  ['status', '--json'],
  ['health', '--json'],
  ['doctor', '--json'],
  ['where', 'image-1.iso', '--json'],
  ['scrub', '--now', '--json'],
  ['archive', 'list'],
  ['rescan'],
] as const

export interface HuntFigures {
  /** Keys, in each of their forms. */
  readonly needles: number
  /** Logs, files, answers. */
  readonly places: number
  readonly bytes: number
  readonly hits: readonly string[]
}

/** Lets two writers, a reader and a host with another secret live through what makes daemons speak; then looks. */
export async function huntSecrets({ files }: { readonly files: number }): Promise<HuntFigures> {
  const [network, previous, others] = [randomBytes(24).toString('base64'), generateSecret(), generateSecret()]
  await using cluster = await Cluster.make({
    hosts: 4,
    configure: (config, i, { secret }) => {
      const [folder = {}] = config.shared_folders
      config['network_secret'] = network
      if (i === 0) Object.assign(folder, { secret: 'credential:iso' })
      if (i === 1) Object.assign(folder, { previous_secret: previous, previous_secret_until: '2999-01-01' })
      if (i === 2) folder['secret'] = readOnlySecret(secret)
      if (i === 3) folder['secret'] = others
    },
  })
  const needles = new Map([cluster.secret, previous, others].flatMap((secret, i) => needlesOf(secret, `secret ${i}`)))
  for (const [what, needle] of formsOf(prologueOf(network), 'prologue')) needles.set(what, needle)
  needles.set('network secret', Buffer.from(network))
  await live(cluster, files)
  const places = await placesOf(cluster)
  const hits = [...places].flatMap(([place, content]) =>
    [...needles].filter(([, needle]) => content.includes(needle)).map(([what]) => `${what} in ${place}`),
  )
  const bytes = [...places.values()].reduce((sum, content) => sum + content.length, 0)
  return { needles: needles.size, places: places.size, bytes, hits }
}

/** Transfers, a deletion, a change that is refused, a restart, a stranger, and secrets with typing errors. */
async function live(cluster: Cluster, files: number): Promise<void> {
  const [first, second, reader] = cluster.hosts as [Host, Host, Host]
  const credentials = join(cluster.top, 'credentials')
  mkdirSync(credentials)
  writeFileSync(join(credentials, 'iso'), `${cluster.secret}\n`)
  const start = (host: Host) => host.start({ ISOSYNCD_LOG_LEVEL: 'trace', CREDENTIALS_DIRECTORY: credentials })
  for (const host of cluster.hosts) start(host)
  for (let i = 0; i < files; i++) drop(cluster.host(i % 2), `image-${i}.iso`, FILE_BYTES)
  const images = () => readdirSync(reader.dir).filter((name) => name.startsWith('image-'))
  await until('the reader has all', () => images().length === files)
  drop(reader, 'not-mine-to-add.iso', FILE_BYTES)
  await second.kill('SIGKILL')
  start(second)
  rmSync(first.path('image-0.iso'))
  await until('the deletion has come', () => !existsSync(reader.path('image-0.iso')))
  first.signal('SIGHUP')
}

/** All that the daemons wrote and said, by where. The config and the credential are where secrets belong. */
async function placesOf(cluster: Cluster): Promise<ReadonlyMap<string, Buffer>> {
  const places = new Map<string, Buffer>()
  for (const host of cluster.hosts) {
    for (const words of ASKED) {
      const { stdout, stderr } = await host.cli(...words)
      places.set(`${host.home}: ${words.join(' ')}`, Buffer.from(stdout + stderr))
    }
    places.set(`${host.home}: a config with a typing error`, await mistyped(host))
    for (const file of ['cmdline', 'environ']) {
      const path = `/proc/${host.pid}/${file}`
      places.set(path, readFileSync(path))
    }
    places.set(host.logFile, readFileSync(host.logFile))
    for (const dir of [join(host.home, 'state'), host.path('.sync')])
      for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true }))
        if (entry.isFile())
          places.set(join(entry.parentPath, entry.name), readFileSync(join(entry.parentPath, entry.name)))
  }
  return places
}

/** What is said of a secret with one letter too many. */
async function mistyped(host: Host): Promise<Buffer> {
  const file = `${host.configFile}.mistyped`
  writeFileSync(
    file,
    readFileSync(host.configFile, 'utf8').replaceAll(/("(?:previous_|network_)?secret": ".*)"/g, '$1x"'),
  )
  const { stdout, stderr } = await isosyncd(['--check-config', '--config', file])
  return Buffer.from(stdout + stderr)
}

function needlesOf(secret: string, name: string): (readonly [string, Buffer])[] {
  const bytes = Buffer.from(base32nopad.decode(secret.slice(1))).subarray(0, SECRET_BYTES)
  const key = (info: string) => Buffer.from(hkdfSync('sha256', bytes, '', info, SECRET_BYTES))
  return [
    [`${name} as text`, Buffer.from(secret)],
    [`${name}, read-only, as text`, Buffer.from(readOnlySecret(secret))],
    ...formsOf(bytes, name),
    ...formsOf(key('isosync/1 sign'), `${name}: key that signs`),
    ...formsOf(key('isosync/1 read'), `${name}: key that reads`),
  ]
}

function formsOf(key: Buffer, name: string): (readonly [string, Buffer])[] {
  const base64 = key.toString('base64').replace(/=+$/, '')
  const texts = {
    hex: key.toString('hex'),
    HEX: key.toString('hex').toUpperCase(),
    base64: base64.slice(0, -1),
    base64url: key.toString('base64url').slice(0, -1),
    base32: base32nopad.encode(key).slice(0, -2),
    'list of bytes': [...key].join(','),
  }
  const forms = Object.entries(texts).map(([form, text]) => [`${name} in ${form}`, Buffer.from(text)] as const)
  return [[`${name} in bytes`, key], ...forms]
}

/** As README, "Formats", says. */
function prologueOf(networkSecret: string): Buffer {
  return Buffer.from(hkdfSync('sha256', networkSecret, '', 'isosync/1 network', SECRET_BYTES))
}
