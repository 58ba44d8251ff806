import assert from 'node:assert/strict'
import { chmodSync, readFileSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { generateSecret, readOnlySecret } from '../../src/base/secret.ts'
import { type Config } from '../../src/config/config.ts'
import { loadConfig, type LoadedConfig, parseConfig } from '../../src/config/load.ts'
import { showMistake } from '../../src/config/mistake.ts'
import { filledSample, fixture } from './fixture.ts'

function configOf(loaded: LoadedConfig): Config {
  assert.deepEqual(loaded.ok ? [] : loaded.mistakes.map(showMistake), [])
  assert(loaded.ok)
  return loaded.config
}

test('the sample config with only dir, secret and host names filled in loads without mistakes or warnings', (t) => {
  const f = fixture(t)
  const loaded = loadConfig(f.write(filledSample(f)), f.surroundings)
  const config = configOf(loaded)
  assert.deepEqual(loaded.warnings.map(showMistake), [])
  assert.equal(config.deviceName, 'isoserver01')
  assert.equal(config.listeningPort, 58889)
  assert.equal(config.diskLowPriority, true)
  assert.equal(config.rescanIntervalMs, 600_000)
  assert.equal(config.downloadBytesPerSecond, null)
  assert.equal(config.storagePath, realpathSync(f.folder('state')))
  assert.equal(config.folders[0]?.dir, realpathSync(f.folder('pool')))
  assert.equal(config.folders[0]?.knownHosts.length, 6)
  assert.equal(config.folders[0]?.knownHosts[0]?.host, 'iso01.lan')
})

test('the sample as it is names secret and dir, and nothing else, as what is to be filled in', (t) => {
  const f = fixture(t)
  const text = readFileSync(new URL('../../config/sync.sample.json', import.meta.url), 'utf8')
  const loaded = parseConfig(text.replace('/srv/iso', join(f.dir, 'not-there')), 'sync.json', f.surroundings)
  assert(!loaded.ok)
  assert.deepEqual(
    loaded.mistakes.map((m) => m.key),
    ['shared_folders[0].secret', 'shared_folders[0].dir'],
  )
})

test('the example with all keys loads, and says of each key what the daemon will do', (t) => {
  const f = fixture(t)
  const text = readFileSync(new URL('../../config/isosyncd.example.json', import.meta.url), 'utf8')
    .replace('MY_SECRET_1', f.secret)
    .replace('MY_SECRET_2', readOnlySecret(generateSecret()))
    .replace('"/srv/iso"', JSON.stringify(f.folder('iso')))
    .replace('"/srv/ovirt/iso"', JSON.stringify(f.folder('ovirt/iso')))
    .replace('/srv/ovirt/isosyncd', join(f.dir, 'ovirt/isosyncd'))
    .replace('/var/lib/isosyncd"', `${f.dir}/state"`)
    .replace('// "network_secret"', '"network_secret"')
    .replace(/^ {2}\/\/ (?=("limits"| {2}\{|\]))/gm, '  ')
  const config = configOf(parseConfig(text, join(f.dir, 'sync.json'), f.surroundings))
  assert.equal(config.site, 'north')
  assert.equal(String(config.networkSecret), '[secret]')
  assert.deepEqual(config.limits, [
    {
      sites: ['north', 'south'],
      minutes: { from: 420, to: 1140 },
      upload: { kind: 'rate', bytesPerSecond: 2_500_000 },
      download: { kind: 'rate', bytesPerSecond: 5_000_000 },
    },
    { sites: null, minutes: { from: 1140, to: 420 }, upload: { kind: 'none' }, download: null },
  ])
  const [first, second] = config.folders
  assert(first && second)
  assert.deepEqual(first.knownHosts[2], { line: '[2001:db8::3]:58889', host: '2001:db8::3', port: 58889, kind: 'ipv6' })
  assert.equal(first.settleMs, 10_000)
  assert.equal(first.metaDir, null)
  assert.equal(first.minFreeBytes, 16 * 1024 * 1024)
  assert.notEqual(first.keys.sign, null)
  assert.deepEqual([second.uid, second.gid, second.fileMode, second.dirMode], [36, 36, 0o644, 0o755])
  assert.equal(second.metaDir, join(realpathSync(f.dir), 'ovirt/isosyncd'))
  assert.equal(second.keys.sign, null)
})

test('a share of the own limit is read; sites on a host without one are warned of', (t) => {
  const f = fixture(t)
  const limits = [{ sites: ['north', 'south'], upload_limit: '20 %' }]
  const pool = { secret: f.secret, dir: f.folder('pool'), known_hosts: ['iso1.lan:58889'] }
  const text = JSON.stringify({ upload_limit: 1_000, limits, shared_folders: [pool] })
  const loaded = parseConfig(text, join(f.dir, 'sync.json'), f.surroundings)
  assert(loaded.ok)
  assert.deepEqual(loaded.config.limits[0]?.upload, { kind: 'share', share: 0.2 })
  assert.match(loaded.warnings.map((warning) => warning.text).join(), /no effect on a host without a site/)
})

test('units: kB are 1,000 bytes, intervals seconds, and 0 means none or never', (t) => {
  const f = fixture(t)
  const load = (keys: object) => {
    const text = JSON.stringify({
      ...keys,
      shared_folders: [{ secret: f.secret, dir: f.folder('a'), settle_seconds: 0 }],
    })
    return configOf(parseConfig(text, 'sync.json', f.surroundings))
  }
  const config = load({ download_limit: 500, upload_limit: 0.5, folder_rescan_interval: 60, sync_trash_ttl: 1 })
  assert.equal(config.downloadBytesPerSecond, 500_000)
  assert.equal(config.uploadBytesPerSecond, 500)
  assert.equal(config.rescanIntervalMs, 60_000)
  assert.equal(config.archiveTtlMs, 86_400_000)
  assert.equal(config.folders[0]?.settleMs, 0)
  const never = load({ folder_rescan_interval: 0, sync_trash_ttl: 0, max_file_size_for_versioning: 0 })
  assert.deepEqual([never.rescanIntervalMs, never.archiveTtlMs, never.archiveMaxFileBytes], [null, null, null])
  assert.equal(load({ max_file_size_for_versioning: 1000 }).archiveMaxFileBytes, 1_048_576_000)
  assert.equal(load({}).deviceName, 'testhost')
})

test('owner and group may be names', (t) => {
  const f = fixture(t)
  const folder = { secret: f.secret, dir: f.folder('a'), owner: 'root', group: 'daemon' }
  const config = configOf(parseConfig(JSON.stringify({ shared_folders: [folder] }), 'sync.json', f.surroundings))
  assert.equal(config.folders[0]?.uid, 0)
  assert.equal(config.folders[0]?.gid, 1)
})

test('keys and values of Resilio that do nothing here draw a warning each and no mistake', (t) => {
  const f = fixture(t)
  const text = JSON.stringify({
    use_upnp: true,
    lan_encrypt_data: false,
    webui: { listen: '0.0.0.0:8888' },
    'folder_defaults.use_lan_broadcast': false,
    agree_to_EULA: 'yes',
    license: 'x',
    shared_folders: [
      { secret: f.secret, dir: f.folder('a'), use_tracker: true, selective_sync: false, known_hosts: ['a:1', 'a:1'] },
    ],
  })
  const loaded = parseConfig(text, 'sync.json', f.surroundings)
  assert.equal(configOf(loaded).folders[0]?.knownHosts.length, 1)
  assert.deepEqual(
    loaded.warnings.map((w) => w.key),
    [
      'use_upnp',
      'lan_encrypt_data',
      'webui',
      'folder_defaults.use_lan_broadcast',
      'agree_to_EULA',
      'license',
      'shared_folders[0].use_tracker',
      'shared_folders[0].selective_sync',
      'shared_folders[0].known_hosts[1]',
    ],
  )
})

test('a config that others can read draws a warning', (t) => {
  const f = fixture(t)
  const file = f.write(filledSample(f))
  chmodSync(file, 0o644)
  const loaded = loadConfig(file, f.surroundings)
  assert(loaded.ok)
  assert.match(showMistake(loaded.warnings[0]!), /chmod/)
})

test('a loaded config shows no secret, however it is printed', async (t) => {
  const { inspect } = await import('node:util')
  const f = fixture(t)
  const text = JSON.stringify({
    network_secret: 'correct horse battery',
    shared_folders: [{ secret: f.secret, dir: f.folder('a') }],
  })
  const config = configOf(parseConfig(text, 'sync.json', f.surroundings))
  const readKey = Buffer.from(config.folders[0]!.keys.readKey.reveal()).toString('hex')
  for (const shown of [inspect(config, { depth: null, showHidden: true }), JSON.stringify(config)]) {
    assert(!shown.includes(f.secret) && !shown.includes('correct horse') && !shown.includes(readKey))
  }
})

test('storage_path comes from $STATE_DIRECTORY, else the home directory when /var/lib is out of reach', (t) => {
  const f = fixture(t)
  const text = JSON.stringify({ shared_folders: [{ secret: f.secret, dir: f.folder('a') }] })
  const state = join(realpathSync(f.dir), 'one')
  const listed = { ...f.surroundings, env: { STATE_DIRECTORY: `${state}:${f.dir}/two` } }
  assert.equal(configOf(parseConfig(text, 'sync.json', listed)).storagePath, state)
})
