/** What the README promises to list in full, it does list. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type z } from 'zod'
import { exitCodesInWords } from '../src/cli/exit-code.ts'
import { configSchema, folderSchema, timedLimitSchema } from '../src/config/schema.ts'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const readme = readFileSync(here('../README.md'), 'utf8')

/** The rows of each table of a section, as cells without their marks. */
function tablesOf(section: string): string[][][] {
  const text = readme.split(/^## /m).find((part) => part.startsWith(`${section}\n`)) ?? ''
  assert.notEqual(text, '', `README has no section ${section}`)
  const tables = text.match(/(?:^\|.*\n)+/gm) ?? []
  return tables.map((table) => {
    const rows = table.trim().split('\n').slice(2)
    return rows.map((row) =>
      row
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )
  })
}

/** `name` of a cell that begins with it in backquotes. */
function nameIn(cell: string | undefined): string {
  return cell?.match(/^`([^`]+)`/)?.[1] ?? ''
}

const schemas: readonly { what: string; table: number; shape: Record<string, z.ZodType> }[] = [
  { what: 'the host', table: 0, shape: configSchema.shape },
  { what: 'a folder', table: 1, shape: folderSchema.shape },
  { what: 'an element of limits', table: 2, shape: timedLimitSchema.shape },
]

for (const { what, table, shape } of schemas) {
  test(`the README lists every config key of ${what}, and no other`, () => {
    const listed = (tablesOf('Config')[table] ?? []).map(([key]) => nameIn(key))
    assert.deepEqual(listed.toSorted(), Object.keys(shape).toSorted())
  })

  test(`the README gives the default of every config key of ${what}`, () => {
    for (const [key, schema] of Object.entries(shape)) {
      const row = tablesOf('Config')[table]?.find(([cell]) => nameIn(cell) === key)
      const absent = schema.safeParse(undefined)
      if (!absent.success) assert.equal(row?.[1], 'required', key)
      else if (absent.data !== undefined) assert.equal(nameIn(row?.[1]), JSON.stringify(absent.data), key)
      else assert.equal(nameIn(row?.[1]), '', `${key} has no default`)
    }
  })
}

test('the README explains every kind of problem, and no other', () => {
  const source = readFileSync(here('../src/sync/problem.ts'), 'utf8')
  const kinds = [...source.matchAll(/^ {2}\| '([a-z-]+)'/gm)].map((match) => match[1])
  assert(kinds.length > 10)
  const listed = (tablesOf('Problems')[0] ?? []).map(([kind]) => nameIn(kind))
  assert.deepEqual(listed.toSorted(), kinds.toSorted())
})

test('the README has the exit statuses that --help prints', () => {
  const rows = tablesOf('Command line')[1] ?? []
  const plain = rows.map(([code, meaning]) => `${code}  ${meaning}`)
  assert.deepEqual(
    plain,
    exitCodesInWords
      .split('\n')
      .slice(1)
      .map((line) => line.trim()),
  )
})

test('the README describes every room, and no other', () => {
  const rooms = readdirSync(here('../src'), { withFileTypes: true }).filter((entry) => entry.isDirectory())
  const listed = (tablesOf('Layout')[0] ?? []).map(([room]) => nameIn(room)).filter((room) => !room.endsWith('.ts'))
  assert.deepEqual(listed.toSorted(), rooms.map((room) => `src/${room.name}`).toSorted())
})

test('every npm script that the README names is there, and so is every benchmark', () => {
  const { scripts } = JSON.parse(readFileSync(here('../package.json'), 'utf8')) as { scripts: Record<string, string> }
  for (const [, name = ''] of readme.matchAll(/npm run ([a-z]+)/g)) assert(name in scripts, name)
  for (const [cell] of tablesOf('Benchmarks')[0] ?? [])
    assert(readdirSync(here('../bench')).includes(`${nameIn(cell).split(' ')[0]}.ts`), cell)
})

test('links within the README lead somewhere', () => {
  const anchors = [...readme.matchAll(/^#+ (.+)$/gm)].map((match) =>
    (match[1] ?? '')
      .toLowerCase()
      .replaceAll(/[^a-z0-9 -]/g, '')
      .replaceAll(' ', '-'),
  )
  for (const [, anchor = ''] of readme.matchAll(/\]\(#([^)]+)\)/g)) assert(anchors.includes(anchor), anchor)
})
