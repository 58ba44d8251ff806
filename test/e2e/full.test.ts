/** Each disk of a host runs full, or read-only, once; `npm run chaos` does it 20 times. */
import { test } from 'node:test'
import { fillDisks, TROUBLES } from './full.ts'

test('a host whose disks run full or read-only stays up, shows nothing wrong, and goes on within a minute', async (t) => {
  if ((await fillDisks(TROUBLES)) === null) t.skip('needs the right to mount loop devices')
})
