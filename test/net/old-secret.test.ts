import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { generateSecret, readOnlySecret } from '../../src/base/secret.ts'
import { inNewSecret, inOldSecret, isSignedBy, watchEnd } from '../../src/net/old-secret.ts'
import { anyRecord } from '../sync/record-samples.ts'
import { keysOf } from './test-host.ts'
import { VirtualClock } from './virtual-clock.ts'

const [oldSecret, newSecret] = [generateSecret(), generateSecret()]
const [old, keys] = [keysOf(oldSecret), keysOf(newSecret)]
const [oldReader, reader] = [keysOf(readOnlySecret(oldSecret)), keysOf(readOnlySecret(newSecret))]

test('records go from one secret to the other and back with nothing but their signature changed', () => {
  fc.assert(
    fc.property(anyRecord, (record) => {
      const [inOld] = inOldSecret(old, [record])
      assert.ok(inOld !== undefined && isSignedBy(oldReader, inOld))
      const [inNew] = inNewSecret(oldReader, keys, [inOld])
      assert.ok(inNew !== undefined && isSignedBy(reader, inNew))
      assert.deepEqual({ ...inNew, signature: null }, { ...record, signature: null })
    }),
    { numRuns: 100 },
  )
})

test('what the old secret has not signed is not signed by the new one; a reader passes on only what it may', () => {
  fc.assert(
    fc.property(anyRecord, (forged) => {
      assert.deepEqual(inNewSecret(old, keys, [forged]), [forged])
      assert.deepEqual(inNewSecret(old, reader, [forged]), [forged])
      assert.deepEqual(inOldSecret(oldReader, [forged]), [])
      const honest = inOldSecret(old, [forged])
      assert.deepEqual(inOldSecret(oldReader, honest), honest)
    }),
    { numRuns: 100 },
  )
})

test('the end is noticed when it comes, however far it is, and once', async () => {
  const clock = new VirtualClock()
  const days = 86_400_000
  let over = 0
  watchEnd({ keys: old, untilMs: clock.now() + 40 * days }, clock, () => over++)
  const stop = watchEnd({ keys: old, untilMs: clock.now() + days }, clock, () => assert.fail('it was called off'))
  stop()
  await clock.pass(40 * days - 1)
  assert.equal(over, 0)
  await clock.pass(2 * days)
  assert.equal(over, 1)
})
