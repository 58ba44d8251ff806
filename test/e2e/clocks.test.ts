/** Changes by hosts whose clocks are wrong by ten years either way; `npm run chaos` makes a hundred. */
import { test } from 'node:test'
import { changeByWrongClocks } from './clocks.ts'

test('nothing is lost where clocks are wrong by ten years, and jump', async (t) => {
  if ((await changeByWrongClocks({ changes: 12 })) === null) t.skip('needs libfaketime')
})
