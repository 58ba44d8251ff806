import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type FolderId, fromHex } from '../../src/base/brand.ts'
import { type RecordBody, type SignedRecord } from '../../src/sync/record.ts'
import { bodyBytes, compareBytes, signedBytes } from '../../src/sync/record-bytes.ts'
import { directory, file, link, path, replica, root, tombstone, version } from './record-samples.ts'

const folder = fromHex<FolderId>('00112233445566778899aabbccddeeff')
const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

const head =
  '10000000' + Buffer.from('isosync/1 record').toString('hex') + '10000000' + '00112233445566778899aabbccddeeff'
const name = '0a000000' + Buffer.from('debian.iso').toString('hex')
const a = '08000000' + 'aa'.repeat(8)
const b = '08000000' + 'bb'.repeat(8)
const none = '00000000'
const content = (digit: string) => '20000000' + digit.repeat(64)

const golden: [string, RecordBody, string][] = [
  [
    'a file',
    file('a1 b4294967296', '7', {
      size: 8 * 2 ** 30,
      mtimeUs: 1_700_000_000_000_001,
      orderUs: -1,
      previous: root('3'),
    }),
    '04000000' +
      Buffer.from('file').toString('hex') +
      name +
      b +
      '02000000' +
      a +
      '0100000000000000' +
      b +
      '0000000001000000' +
      content('3') +
      'ffffffffffffffff' +
      '0000000002000000' +
      '01401e18240a0600' +
      content('7'),
  ],
  [
    'a directory',
    directory('a1', { orderUs: 2 }),
    '09000000' +
      Buffer.from('directory').toString('hex') +
      name +
      a +
      '01000000' +
      a +
      '0100000000000000' +
      none +
      '0200000000000000',
  ],
  [
    'a link, whose target is counted in bytes',
    link('a1', 'ä.iso'),
    '04000000' +
      Buffer.from('link').toString('hex') +
      name +
      a +
      '01000000' +
      a +
      '0100000000000000' +
      none +
      '0000000000000000' +
      '06000000' +
      'c3a4' +
      '2e69736f',
  ],
  [
    'a tombstone',
    tombstone('a1', { previous: root('5') }),
    '09000000' +
      Buffer.from('tombstone').toString('hex') +
      name +
      a +
      '01000000' +
      a +
      '0100000000000000' +
      content('5') +
      '0000000000000000',
  ],
  [
    'a tombstone of what had been replaced before',
    tombstone('a1', { previous: root('5'), earlier: [root('4'), root('3')] }),
    '09000000' +
      Buffer.from('tombstone').toString('hex') +
      name +
      a +
      '01000000' +
      a +
      '0100000000000000' +
      content('5') +
      '0000000000000000' +
      '40000000' +
      '4'.repeat(64) +
      '3'.repeat(64),
  ],
]
for (const [what, body, expected] of golden) {
  test(`the signed bytes of ${what} are these for ever`, () => {
    assert.equal(hexOf(signedBytes(folder, body)), head + expected)
    assert.equal(hexOf(bodyBytes(body)), expected)
  })
}

test('the signature itself is not signed', () => {
  const record = file('a1', '7')
  const other: SignedRecord = { ...record, signature: new Uint8Array(64).fill(9) }
  assert.deepEqual(bodyBytes(record), bodyBytes(other))
})

test('every field changes the bytes', () => {
  const record = file('a1', '7', { previous: root('3') })
  const changed: RecordBody[] = [
    { ...record, path: path('debian.isp') },
    { ...record, version: version('a2') },
    { ...record, version: version('b1') },
    { ...record, version: version('a1 b1') },
    { ...record, author: replica('b') },
    { ...record, previous: null },
    { ...record, previous: root('4') },
    { ...record, earlier: [root('4')] },
    { ...record, earlier: [root('3')] },
    { ...record, orderUs: 1 },
    { ...record, size: 2 },
    { ...record, mtimeUs: 1 },
    { ...record, root: root('8') },
    tombstone('a1', { previous: root('3') }),
    directory('a1', { previous: root('3') }),
    link('a1', '', { previous: root('3') }),
  ]
  const texts = [record, ...changed].map((body) => hexOf(signedBytes(folder, body)))
  assert.equal(new Set(texts).size, texts.length)
  assert.notEqual(texts[0], hexOf(signedBytes(fromHex<FolderId>('ff'.repeat(16)), record)))
})

test('equal bytes mean equal bodies, wherever the borders between the fields fall', () => {
  const names = fc.string({ unit: fc.constantFrom('a', '\u0004', '/', 'ä'), minLength: 1, maxLength: 4 })
  const links = fc.record({ name: names, target: names, v: fc.constantFrom('a1', 'a1 b1', 'b1') })
  const body = ({ name, target, v }: { name: string; target: string; v: string }) =>
    link(v, target, { path: name as RecordBody['path'] })
  fc.assert(
    fc.property(links, links, (x, y) => {
      const equal = x.name === y.name && x.target === y.target && x.v === y.v
      assert.equal(compareBytes(bodyBytes(body(x)), bodyBytes(body(y))) === 0, equal)
    }),
  )
})

test('a number that cannot be kept exactly, or an id that is none, is a bug and not a signature', () => {
  for (const size of [1.5, 2 ** 53, Number.NaN])
    assert.throws(() => bodyBytes(file('a1', '7', { mtimeUs: size })), /bug/)
  assert.throws(() => bodyBytes(file('a1', 'G')), /bug/)
  assert.throws(() => bodyBytes(file('a1', 'A')), /bug/)
})

test('bytes are compared in byte order, a beginning before what it begins', () => {
  const table: [number[], number[], number][] = [
    [[], [], 0],
    [[], [0], -1],
    [[1], [0, 9], 1],
    [[1, 2], [1, 2], 0],
    [[1, 2], [1, 255], -1],
  ]
  for (const [x, y, sign] of table) {
    assert.equal(Math.sign(compareBytes(new Uint8Array(x), new Uint8Array(y))), sign)
    assert.equal(Math.sign(compareBytes(new Uint8Array(y), new Uint8Array(x))), 0 - sign)
  }
})
