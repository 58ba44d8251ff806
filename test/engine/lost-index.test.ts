/** A host whose index was lost takes up by content what lies in its tree: what it has not looked at yet is not fetched. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type RootHash } from '../../src/base/brand.ts'
import { TwoHosts } from './two-hosts.ts'

const FILES = 1_000

for (const [what, bytes] of [
  ['small', 100],
  ['large', 40_000],
] as const)
  test(`a host whose index was lost is sent nothing of its ${what} files again, whatever comes before they are looked at`, async () => {
    const hosts = new TwoHosts()
    const files = what === 'small' ? FILES : FILES / 10
    const name = (i: number) => `image-${i}`
    for (let i = 0; i < files; i++) hosts.one.root.user.write(name(i), `${i}`.padEnd(bytes))
    hosts.one.hint(...Array.from({ length: files }, (_, i) => name(i)))
    await hosts.pass(60_000)
    assert.equal(Object.keys(hosts.two.tree()).length, files)

    const served: RootHash[] = []
    const { server } = hosts.one.folder
    const piece = server.piece.bind(server)
    server.piece = (root, ordinal) => {
      served.push(root)
      return piece(root, ordinal)
    }
    const begun = hosts.two.loseIndex()
    await hosts.pass(120_000)
    await begun
    assert.equal(served.length, 0)
    assert.equal(hosts.two.index.counts().files, files)
    await hosts.close()
  })
