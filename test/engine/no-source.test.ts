/** A host announces a file and goes away for good before anybody has it: the operator is told what is waited for. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { type HostName, type RelPath } from '../../src/base/brand.ts'
import { folderReport } from '../../src/engine/folder-report.ts'
import { type BenchHost, TwoHosts } from './two-hosts.ts'

const PATH = 'debian.iso' as RelPath
const [ONE, TWO] = ['one' as HostName, 'two' as HostName]

function shown({ folder, index }: BenchHost): readonly string[] {
  return folderReport({ folder, index, hosts: () => [] }).problems.map(({ kind, path }) => `${kind} ${path}`)
}

test('what no connected host has is shown after a minute, by the name of the file', async () => {
  const hosts = new TwoHosts()
  await hosts.pass(1_000)
  hosts.one.root.user.write(PATH, randomBytes(20_000_000).toString('latin1'))
  hosts.one.hint(PATH)
  const isComing = () => hosts.two.folder.remote.downloader.transfers().some(({ doneBytes }) => doneBytes > 0)
  for (let ms = 0; ms < 10_000 && !isComing(); ms++) await hosts.pass(1)
  assert.ok(isComing())
  hosts.network.cut(ONE, TWO)
  await hosts.pass(30_000)
  assert.deepEqual([hosts.two.tree(), shown(hosts.two)], [{}, []])
  await hosts.pass(60_000)
  assert.deepEqual([hosts.two.tree(), shown(hosts.two)], [{}, [`no-source ${PATH}`]])
  hosts.network.join(ONE, TWO)
  await hosts.pass(30_000)
  assert.deepEqual([Object.keys(hosts.two.tree()), shown(hosts.two)], [[PATH], []])
  await hosts.close()
})
