/** Queries are planned once, when the index is opened, and not again at each use. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openIndexDatabase } from '../../src/db/open.ts'
import { fileEntry, fileRecord, folderNamed, hashNamed, listOf, path, rootNamed } from './index-samples.ts'

test('no query that gives rows is planned again when it is used again with other values', () => {
  const database = openIndexDatabase(':memory:')
  const index = database.folder(folderNamed('one'))
  const names = ['d/a', 'd/b', 'e/c']
  for (const name of names) {
    index.commit([
      { op: 'content', root: rootNamed(name), list: listOf([name]) },
      { op: 'entry', entry: fileEntry(name, name) },
      { op: 'records', path: path(name), records: [fileRecord(name, name)] },
    ])
  }
  const ask = () => {
    for (const [i, name] of names.entries()) {
      index.entry(path(name))
      index.entriesIn(path(name.slice(0, 1)))
      index.recordsOf(path(name))
      index.recordsAfter(i, 10)
      index.entriesHolding(rootNamed(name))
      index.placesOf(rootNamed(name))
      index.findPiece(hashNamed(name))
      index.archive()
      index.peerProgress(index.replica)
      void [...index.directoriesWithEntries(path('d')), ...index.entriesUnder(path('e')), ...index.recordPaths()]
    }
  }
  ask()
  assert.equal(rowShapesMadeBy(ask), 0)
  database.close()
})

/** better-sqlite3 makes a function that builds rows, each time that a statement has been planned. */
function rowShapesMadeBy(work: () => void): number {
  const { Function } = globalThis
  let made = 0
  globalThis.Function = new Proxy(Function, {
    apply: (target, self, given) => {
      made++
      return Reflect.apply(target, self, given) as unknown
    },
  })
  try {
    work()
  } finally {
    globalThis.Function = Function
  }
  return made
}
