import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { archiveName, parseArchiveName } from '../../src/fs/archive-name.ts'

const noon = Date.UTC(2026, 0, 1, 12)

describe('archiveName', () => {
  const cases: readonly (readonly [string, string, number, string])[] = [
    ['an image', 'debian-12.iso', 0, 'debian-12.iso.20260101T120000Z'],
    ['the second one in the same second', 'debian-12.iso', 1, 'debian-12.iso.20260101T120000Z-1'],
    ['a name of 238 bytes: just fits', 'x'.repeat(238), 0, `${'x'.repeat(238)}.20260101T120000Z`],
    ['a name of 239 bytes: one too many', 'x'.repeat(239), 0, `${'x'.repeat(238)}.20260101T120000Z`],
    [
      'a name cut inside a character of 4 bytes',
      `${'x'.repeat(236)}\u{1F600}`,
      0,
      `${'x'.repeat(236)}.20260101T120000Z`,
    ],
  ]
  for (const [name, file, attempt, expected] of cases)
    it(`names ${name}`, () => assert.equal(archiveName(file, noon, attempt), expected))

  it('leaves out fractions of a second', () => assert.equal(archiveName('a', noon + 999, 0), 'a.20260101T120000Z'))

  it('is read back', () => {
    const file = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 100 })
    fc.assert(
      fc.property(file, fc.integer({ min: 0, max: 4e9 }), fc.nat(20), (name, s, attempt) => {
        assert.deepEqual(parseArchiveName(archiveName(name, s * 1000, attempt)), { name, archivedMs: s * 1000 })
      }),
    )
  })

  for (const name of [
    'debian-12.iso',
    'debian-12.iso.1',
    '.20260101T120000Z',
    'a.20261301T120000Z',
    'a.20260101T120000Z-',
  ])
    it(`did not make ${name}`, () => assert.equal(parseArchiveName(name), null))

  it('never ends in .iso, never has over 255 bytes, and differs for each attempt', () => {
    const file = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 255 })
    fc.assert(
      fc.property(file, fc.integer({ min: 0, max: 4e12 }), fc.nat(9999), (name, nowMs, attempt) => {
        const made = archiveName(name, nowMs, attempt)
        assert.ok(!made.toLowerCase().endsWith('.iso'))
        assert.ok(Buffer.byteLength(made) <= 255)
        assert.equal(Buffer.from(made).toString(), made)
        assert.notEqual(made, archiveName(name, nowMs, attempt + 1))
      }),
    )
  })
})
