import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { type IndexDatabase, openIndexDatabase } from '../../src/db/open.ts'
import { folderIndexCompliance } from './folder-index-compliance.ts'
import { folderNamed } from './index-samples.ts'

const dir = mkdtempSync(join(tmpdir(), 'isosyncd-index-'))
const opened: IndexDatabase[] = []
after(() => {
  for (const database of opened) database.close()
  rmSync(dir, { recursive: true })
})

function openAt(path: string): IndexDatabase {
  const database = openIndexDatabase(path)
  opened.push(database)
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
