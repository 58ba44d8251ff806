/** Links swapped in while files are installed, a few hundred times; `npm run chaos` does it 5,000 times. */
import { test } from 'node:test'
import { swapLinks } from './links.ts'

test('with directories swapped for links and back all the while, nothing outside is touched and all files arrive', async (t) => {
  if ((await swapLinks({ installs: 300, received: 24 })) === null) t.skip('needs koffi')
})
