import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TwoHosts } from './two-hosts.ts'

/** Large enough to lie in staging. */
const IMAGE = 'image '.repeat(100_000)

test('a file that replaces a directory which has vanished is fetched once, and installed', async () => {
  const hosts = new TwoHosts()
  const { one, two } = hosts
  one.root.user.makeDirectory('d')
  one.hint('d')
  await hosts.pass(5_000)
  assert.deepEqual(two.tree(), { d: null })

  two.root.user.delete('d')
  one.root.user.delete('d')
  one.root.user.write('d', IMAGE)
  one.hint('d')
  await hosts.pass(120_000)
  assert.deepEqual(two.tree(), { d: IMAGE })
  assert.equal(two.asked.filter(([op]) => op === 'openStaged').length, 1)
  await hosts.close()
})
