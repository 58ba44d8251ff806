import assert from 'node:assert/strict'
import { test } from 'node:test'
import { generateSecret, parseSecret, readOnlySecret } from '../../src/base/secret.ts'
import { parseConfig } from '../../src/config/load.ts'
import { fixture } from './fixture.ts'

const idOf = (secret: string) => {
  const keys = parseSecret(secret)
  return typeof keys === 'string' ? '' : keys.id
}

test('a secret that is being replaced: what it means is said, and halves of it are mistakes', (t) => {
  const { folder, surroundings } = fixture(t)
  const [secret, old] = [generateSecret(), generateSecret()]
  const load = (keys: object) => {
    const own = { secret, dir: folder('pool'), known_hosts: ['a.example:1'], ...keys }
    return parseConfig(JSON.stringify({ shared_folders: [own] }), 'sync.json', surroundings)
  }
  const future = load({ previous_secret: old, previous_secret_until: '2999-12-31' })
  assert.ok(future.ok)
  const { previous } = future.config.folders[0] ?? {}
  assert.equal(previous?.keys.id, idOf(old))
  assert.equal(previous.untilMs, new Date(2999, 11, 31, 23, 59, 59, 999).getTime(), 'to the end of the day')
  assert.match(future.warnings.map(({ text }) => text).join(), /are peers until 2999-12-31.*are out from then on/)
  const past = load({ previous_secret: old, previous_secret_until: '2001-01-01T00:00:00Z' })
  assert.match(past.warnings.map(({ text }) => text).join(), /ended at 2001-01-01.*Remove both keys/)
  const demoted = load({ secret: readOnlySecret(secret), previous_secret: old, previous_secret_until: '2999-12-31' })
  assert.ok(demoted.ok)
  assert.equal(demoted.config.folders[0]?.previous?.keys.sign, null, 'a reader writes in no secret')

  const cases: readonly (readonly [object, RegExp])[] = [
    [{ previous_secret: old }, /add 'previous_secret_until'/],
    [{ previous_secret_until: '2999-12-31' }, /and there is none/],
    [{ previous_secret: secret, previous_secret_until: '2999-12-31' }, /is the same as 'secret'/],
    [{ previous_secret: old, previous_secret_until: 'tomorrow' }, /is no day or time/],
    [{ previous_secret: old, previous_secret_until: '0' }, /is no day or time/],
    [{ previous_secret: old, previous_secret_until: '2999-02-31T00:00:00Z' }, /is no day or time/],
  ]
  for (const [keys, expected] of cases) {
    const loaded = load(keys)
    assert.ok(!loaded.ok, JSON.stringify(keys).slice(0, 40))
    assert.match(loaded.mistakes.map(({ text }) => text).join(), expected)
  }
})
