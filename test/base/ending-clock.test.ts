import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EndingClock } from '../../src/base/ending-clock.ts'
import { VirtualClock } from '../net/virtual-clock.ts'

test('nothing is called after the end, whether it waited before or was set later', async () => {
  const real = new VirtualClock()
  const clock = new EndingClock(real)
  const called: string[] = []
  clock.after(1, () => called.push('before'))
  clock.after(5, () => called.push('waiting'))
  clock.after(1, () => called.push('cancelled'))()
  await real.pass(2)
  clock.end()
  clock.after(1, () => called.push('late'))
  await real.pass(10)
  assert.deepEqual(called, ['before'])
})
