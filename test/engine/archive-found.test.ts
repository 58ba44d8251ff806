/** What a new index finds in the archive: it says no more of it than is known. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type HostName } from '../../src/base/brand.ts'
import { path } from '../db/index-samples.ts'
import { TwoHosts } from './two-hosts.ts'

const [ONE, TWO] = ['one' as HostName, 'two' as HostName]

async function found(): Promise<{ hosts: TwoHosts; reasons: () => Record<string, string> }> {
  const hosts = new TwoHosts()
  const { one, two } = hosts
  const does = async (work: (name: string) => void, ...names: readonly string[]) => {
    for (const name of names) work(name)
    one.hint(...names)
    await hosts.pass(30_000)
  }
  const write = (text: string) => (name: string) => one.root.user.write(name, `${text} ${name}`)
  await does(write('first'), 'replaced.iso', 'deleted.iso', 'rotten.iso')
  await does((name) => one.root.user.delete(name), 'deleted.iso')
  await does(write('second'), 'replaced.iso')
  two.root.user.rot('rotten.iso', 3)
  two.folder.scrub.scrubber.scrubNow(path('rotten.iso'))
  await hosts.pass(60_000)
  const reasons = () => Object.fromEntries(two.folder.archive.list().map((file) => [file.path, file.reason]))
  assert.deepEqual(reasons(), { 'deleted.iso': 'deleted', 'replaced.iso': 'replaced', 'rotten.iso': 'rotten' })
  return { hosts, reasons }
}

async function withNewIndex(hosts: TwoHosts): Promise<void> {
  const begun = hosts.two.loseIndex()
  await hosts.pass(60_000)
  await begun
}

test('without a record nothing is said of what lies in the archive; when records come, what they tell', async () => {
  const { hosts, reasons } = await found()
  hosts.network.cut(ONE, TWO)
  await withNewIndex(hosts)
  assert.deepEqual(reasons(), { 'deleted.iso': 'unknown', 'replaced.iso': 'unknown', 'rotten.iso': 'unknown' })
  hosts.network.join(ONE, TWO)
  await hosts.pass(60_000)
  assert.deepEqual(reasons(), { 'deleted.iso': 'deleted', 'replaced.iso': 'replaced', 'rotten.iso': 'unknown' })
  await hosts.close()
})

test('what may be a rotten copy is restored by its full name only', async () => {
  const { hosts } = await found()
  const { two } = hosts
  await withNewIndex(hosts)
  const rejected = assert.rejects(two.folder.archive.restore('rotten.iso', path('other.iso')), /may have rotted/)
  const restored = two.folder.archive.restore('deleted.iso', null)
  await hosts.pass(30_000)
  await rejected
  assert.equal((await restored).path, 'deleted.iso')
  await hosts.close()
})
