/** Disasters on one host of a small pool; `npm run chaos` does them with a thousand files. */
import { test } from 'node:test'
import { DISASTERS, strike } from './mass.ts'

for (const disaster of DISASTERS)
  test(`where most files of a host are ${disaster}, the others keep all until the operator approves`, async () => {
    await strike({ disaster, files: 60 })
  })
