import assert from 'node:assert/strict'
import { test } from 'node:test'
import { normaliseAddress, parseHostLine, shownAddress } from '../../src/net/address.ts'

test('a line of known_hosts is taken apart, or refused', () => {
  const cases: readonly (readonly [string, ReturnType<typeof parseHostLine>])[] = [
    ['isoserver01.example.com:58889', { name: 'isoserver01.example.com', port: 58889 }],
    ['10.1.2.3:1', { name: '10.1.2.3', port: 1 }],
    ['[2001:db8::1]:65535', { name: '2001:db8::1', port: 65535 }],
    ['2001:db8::1:58889', null],
    ['host', null],
    ['host:0', null],
    ['host:65536', null],
    [':58889', null],
    ['a b:58889', null],
  ]
  for (const [line, wanted] of cases) assert.deepEqual(parseHostLine(line), wanted, line)
})

test('one address has one form, however it is written', () => {
  const cases = [
    ['::ffff:10.1.2.3', '10.1.2.3'],
    ['::FFFF:0A01:0203', '10.1.2.3'],
    ['2001:0DB8:0:0::1', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['10.1.2.3', '10.1.2.3'],
    ['::1', '::1'],
  ] as const
  for (const [written, wanted] of cases) assert.equal(normaliseAddress(written), wanted)
})

test('an address is shown as a line of known_hosts would name it', () => {
  assert.equal(shownAddress('::1', 5), '[::1]:5')
  assert.equal(shownAddress('127.0.0.1', 5), '127.0.0.1:5')
})
