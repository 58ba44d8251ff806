import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { generateSecret, parseSecret } from '../../src/base/secret.ts'
import { parseConfig } from '../../src/config/load.ts'
import { fixture } from './fixture.ts'

test('secrets come from the credentials that systemd hands over', (t) => {
  const { folder, surroundings } = fixture(t)
  const credentials = folder('credentials')
  const secret = generateSecret()
  writeFileSync(join(credentials, 'iso'), `${secret}\n`)
  writeFileSync(join(credentials, 'net.work'), 'sixteen characters or more\n')
  const config = (name: string) =>
    JSON.stringify({
      network_secret: 'credential:net.work',
      shared_folders: [{ secret: `credential:${name}`, dir: folder('pool'), known_hosts: ['a.example:1'] }],
    })
  const env = { ...surroundings.env, CREDENTIALS_DIRECTORY: credentials }
  const loaded = parseConfig(config('iso'), 'sync.json', { ...surroundings, env })
  assert.ok(loaded.ok, JSON.stringify(loaded))
  const keys = parseSecret(secret)
  assert.equal(loaded.config.folders[0]?.keys.id, typeof keys === 'string' ? '' : keys.id)
  assert.equal(loaded.config.networkSecret?.reveal(), 'sixteen characters or more')

  const cases: readonly (readonly [string, NodeJS.ProcessEnv, RegExp])[] = [
    ['missing', env, /the credential missing cannot be read \(ENOENT\): add LoadCredential=missing:FILE/],
    ['../../etc/passwd', env, /is no name of a credential/],
    ['iso', surroundings.env, /\$CREDENTIALS_DIRECTORY is not set/],
  ]
  for (const [name, environment, expected] of cases) {
    const refused = parseConfig(config(name), 'sync.json', { ...surroundings, env: environment })
    assert.ok(!refused.ok)
    const ofSecret = refused.mistakes.filter(({ key }) => key.includes('secret') && !key.includes('network'))
    assert.equal(ofSecret.length, 1, JSON.stringify(ofSecret))
    assert.match(ofSecret[0]?.text ?? '', expected)
  }
})
