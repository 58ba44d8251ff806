import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { generateSecret, readOnlySecret } from '../../src/base/secret.ts'
import { type Config } from '../../src/config/config.ts'
import { diffConfig } from '../../src/config/diff.ts'
import { parseConfig } from '../../src/config/load.ts'
import { fixture } from './fixture.ts'

function maker(t: TestContext) {
  const f = fixture(t)
  const base = { secret: f.secret, dir: f.folder('a'), known_hosts: ['iso1.lan:58889'] }
  return {
    f,
    make: (top: object = {}, folder: object = {}, more: readonly object[] = []): Config => {
      const text = JSON.stringify({ shared_folders: [{ ...base, ...folder }, ...more], ...top })
      const loaded = parseConfig(text, 'sync.json', f.surroundings)
      assert(loaded.ok)
      return loaded.config
    },
  }
}

const live: readonly { key: string; top?: object; folder?: object }[] = [
  { key: 'upload_limit', top: { upload_limit: 5 } },
  { key: 'download_limit', top: { download_limit: 5 } },
  { key: 'folder_rescan_interval', top: { folder_rescan_interval: 5 } },
  { key: 'sync_trash_ttl', top: { sync_trash_ttl: 5 } },
  { key: 'known_hosts', folder: { known_hosts: ['iso1.lan:58889', 'iso2.lan:58889'] } },
  { key: 'settle_seconds', folder: { settle_seconds: 0 } },
  { key: 'priorities', folder: { priorities: ['*.iso'] } },
]

const waiting: readonly { key: string; top?: object; folder?: object }[] = [
  { key: 'listening_port', top: { listening_port: 5 } },
  { key: 'device_name', top: { device_name: 'other' } },
  { key: 'network_secret', top: { network_secret: 'correct horse battery' } },
  { key: 'storage_path', top: { storage_path: '/tmp/isosyncd-other' } },
  { key: 'owner', folder: { owner: 36 } },
]

test('nothing is told of a config that has not changed', (t) => {
  const { make } = maker(t)
  const secret = { network_secret: 'correct horse battery' }
  const { now, afterRestart } = diffConfig(make(secret), make(secret))
  assert.deepEqual({ now, afterRestart }, { now: [], afterRestart: [] })
})

for (const { key, top, folder } of live) {
  test(`a changed ${key} counts from now on`, (t) => {
    const { make } = maker(t)
    const loaded = make(top, folder)
    const { now, afterRestart, effective } = diffConfig(make(), loaded)
    assert.equal(now.length, 1)
    assert(now[0]?.startsWith(key), now[0])
    assert.deepEqual(afterRestart, [])
    assert.deepEqual(diffConfig(effective, loaded).now, [])
  })
}

for (const { key, top, folder } of waiting) {
  test(`a changed ${key} needs a restart, and the running value stays`, (t) => {
    const { make } = maker(t)
    const loaded = make(top, folder)
    const { now, afterRestart, effective } = diffConfig(make(), loaded)
    assert.deepEqual(now, [])
    assert(afterRestart[0]?.startsWith(key), afterRestart[0])
    assert.equal(diffConfig(effective, loaded).afterRestart.length, 1)
  })
}

test('a network secret that changes is seen although it never shows', (t) => {
  const { make } = maker(t)
  const one = make({ network_secret: 'correct horse battery' })
  const other = make({ network_secret: 'correct horse bbttery' })
  assert.deepEqual(diffConfig(one, other).afterRestart, ['network_secret'])
})

test('folders that come, go, or turn read-only need a restart', (t) => {
  const { f, make } = maker(t)
  const second = { secret: generateSecret(), dir: f.folder('b') }
  assert.match(diffConfig(make(), make({}, {}, [second])).afterRestart.join(), /\/b is new/)
  assert.match(diffConfig(make({}, {}, [second]), make()).afterRestart.join(), /\/b is gone/)
  const readOnly = make({}, { secret: readOnlySecret(f.secret) })
  assert.match(diffConfig(make(), readOnly).afterRestart.join(), /^secret of /)
})
