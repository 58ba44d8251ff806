/** Whatever a config file or a secret holds, the answer is a config or mistakes in words, and never shows a secret. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { generateSecret, parseSecret, readOnlySecret } from '../../src/base/secret.ts'
import { parseConfig } from '../../src/config/load.ts'
import { configSchema, folderSchema } from '../../src/config/schema.ts'

const RUNS = Number(process.env['FUZZ_RUNS'] ?? 1_500)
const surroundings = { hostName: 'fuzz', env: {}, home: '/nonexistent', uid: 0 } as never
const secret = generateSecret()

const value: fc.Arbitrary<unknown> = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom(secret, '__proto__', '\0', -1, 2 ** 53, 1e308, '99:99-00:00', ['a', 'b'], [[]], {}, null, '/'),
)
const keysOf = (shape: object) => fc.constantFrom(...Object.keys(shape), '__proto__', 'constructor', 'webui', 'secert')
const folder = fc.dictionary(keysOf(folderSchema.shape), value, { maxKeys: 8 })
const config = fc
  .tuple(
    fc.dictionary(keysOf(configSchema.shape), value, { maxKeys: 8 }),
    fc.oneof(value, fc.array(fc.oneof(folder, value), { maxLength: 3 })),
  )
  .map(([top, folders]) => JSON.stringify({ ...top, shared_folders: folders }, null, 1))
const broken = fc.tuple(config, fc.nat(), fc.string({ maxLength: 5 })).map(([text, at, put]) => {
  const where = at % (text.length + 1)
  return text.slice(0, where) + put + text.slice(where + put.length)
})

test('no config file makes it crash, and no mistake shows a secret', () => {
  fc.assert(
    fc.property(fc.oneof(config, broken, fc.string()), (text) => {
      const loaded = parseConfig(text, '/nonexistent/sync.json', surroundings)
      if (!loaded.ok) assert.ok(loaded.mistakes.length > 0)
      const said = [...(loaded.ok ? [] : loaded.mistakes), ...loaded.warnings].map((mistake) => mistake.text).join('\n')
      assert.equal(said.includes(secret), false, said)
    }),
    { numRuns: RUNS },
  )
})

test('a text is a secret or is refused in words; no changed secret is taken', () => {
  const secrets = [secret, readOnlySecret(secret)]
  const changed = fc
    .tuple(fc.constantFrom(...secrets), fc.array(fc.tuple(fc.nat(), fc.string({ maxLength: 3 })), { maxLength: 3 }))
    .map(([text, changes]) =>
      changes.reduce((t, [at, put]) => t.slice(0, at % t.length) + put + t.slice((at % t.length) + 1), text),
    )
  fc.assert(
    fc.property(fc.oneof(changed, fc.string(), fc.string({ unit: 'binary' })), (text) => {
      const keys = parseSecret(text)
      if (typeof keys === 'string') return assert.equal(keys.includes(text) && text.length > 4, false)
      assert.ok(secrets.includes(text), 'four bytes of checksum tell a changed one')
    }),
    { numRuns: 2 * RUNS },
  )
})
