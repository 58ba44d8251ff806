/** An index that is lost, damaged or older than the pool remembers: `npm run chaos` does each twenty times. */
import { test } from 'node:test'
import { LOSSES, loseIndexes } from './index-losses.ts'

for (const loss of LOSSES)
  test(`a host whose index was ${loss} takes all up by content: nothing deleted, resurrected, overwritten or sent again`, async () => {
    await loseIndexes({ losses: [loss] })
  })
