/** What users change on a host that has the read-only secret is put right, where the operator wants it so. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TwoHosts } from './two-hosts.ts'

test('a directory goes again with a link in it that points at the directory itself', async () => {
  const { one, two, ...hosts } = new TwoHosts({ twoIsReadOnly: true })
  one.root.user.write('image.iso', 'image')
  one.hint('image.iso')
  await hosts.time.pass(10_000)
  two.root.user.write('mine/deep/image.iso', 'of a user')
  two.root.user.link('mine/deep/latest', '../deep')
  two.root.user.link('mine/first', '../mine')
  two.hint('mine')
  await hosts.time.pass(30_000)
  assert.deepEqual(two.tree(), one.tree())
})
