import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { type IndexDatabase, openIndexDatabase } from '../../src/db/open.ts'
import { folderIndexCompliance } from './folder-index-compliance.ts'
import { folderNamed } from './index-samples.ts'

const dir = mkdtempSync(join(tmpdir(), 'isosyncd-index-'))
const opened = new Map<string, IndexDatabase>()
after(() => {
  for (const database of opened.values()) database.close()
  rmSync(dir, { recursive: true })
})

/** One at a time has a path open: the index locks its file. */
function openAt(path: string): IndexDatabase {
  if (path !== ':memory:') opened.get(path)?.close()
  const database = openIndexDatabase(path)
  opened.set(path, database)
  return database
}

const foldersOf = (database: IndexDatabase) => {
  return { one: database.folder(folderNamed('one')), two: database.folder(folderNamed('two')) }
}

let count = 0
folderIndexCompliance('the index on disk', () => {
  const path = join(dir, `${count++}.db`)
  return { ...foldersOf(openAt(path)), reopen: () => foldersOf(openAt(path)) }
})

folderIndexCompliance('the index in memory', () => {
  const folders = foldersOf(openAt(':memory:'))
  return { ...folders, reopen: () => folders }
})
