import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLog } from '../../src/base/log.ts'
import { type RelPath } from '../../src/base/brand.ts'
import { ProblemList } from '../../src/engine/problem-list.ts'
import { SolvedProblems } from '../../src/engine/solved-problems.ts'
import { type Sighting } from '../../src/scan/sighting.ts'
import { type ProblemKind } from '../../src/sync/problem.ts'

function made(...before: readonly (readonly [ProblemKind, string | null])[]) {
  const problems = new ProblemList({ log: silentLog })
  for (const [kind, path] of before) problems.set(kind, path, `${kind} of ${path}`)
  return { solved: new SolvedProblems({ problems }), left: () => problems.all().map(({ kind }) => kind), problems }
}

function trouble(kind: ProblemKind, path: string | null): Sighting {
  return { seen: 'problem', problem: { kind, path, detail: '' } }
}

function file(path: string): Sighting {
  const stat = { kind: 'file' as const, size: 1, mtimeUs: 0, ctimeUs: 0, inode: 1 }
  return { seen: 'file', path: path as RelPath, stat, entry: null }
}

const cases: Readonly<
  Record<string, { before: readonly (readonly [ProblemKind, string | null])[]; seen: Sighting[]; left: ProblemKind[] }>
> = {
  'what is not seen again is solved': { before: [['unsupported', 'a/pipe']], seen: [], left: [] },
  'what is seen again stays': {
    before: [['unsupported', 'pipe']],
    seen: [trouble('unsupported', 'pipe')],
    left: ['unsupported'],
  },
  'a file that still differs keeps its problem: whoever takes it up clears it': {
    before: [['unreadable', 'a']],
    seen: [file('a')],
    left: ['unreadable'],
  },
  'below a directory that cannot be listed nothing is solved': {
    before: [['bad-link', 'dir/sub/link']],
    seen: [trouble('unreadable', 'dir')],
    left: ['bad-link'],
  },
  'a directory that only begins with the same letters is another': {
    before: [['bad-link', 'directory/link']],
    seen: [trouble('unreadable', 'dir')],
    left: [],
  },
  'nothing is solved when the root cannot be listed': {
    before: [['bad-link', 'link']],
    seen: [trouble('io-error', null)],
    left: ['bad-link'],
  },
  'what the disk or a peer made wrong is not for a scan to solve': {
    before: [
      ['io-error', 'a'],
      ['in-the-way', 'b'],
      ['disk-full', null],
    ],
    seen: [],
    left: ['io-error', 'in-the-way', 'disk-full'],
  },
}

for (const [name, { before, seen, left }] of Object.entries(cases))
  test(`a whole scan: ${name}`, () => {
    const { solved, left: remaining } = made(...before)
    solved.begin()
    for (const sighting of seen) solved.sighted(sighting)
    solved.end()
    assert.deepEqual(remaining(), left)
  })

test('an io-error that the scanner itself told is solved when it does not tell it again', () => {
  const { solved, left } = made(['io-error', 'dir'])
  solved.begin()
  solved.sighted(trouble('io-error', 'dir'))
  solved.end()
  assert.deepEqual(left(), ['io-error'])
  solved.begin()
  solved.end()
  assert.deepEqual(left(), [])
})

test('a problem that begins during the scan is not taken for an old one', () => {
  const { solved, left, problems } = made()
  solved.begin()
  problems.set('unreadable', 'new', 'new')
  solved.end()
  assert.deepEqual(left(), ['unreadable'])
})

test('a look at one path that finds nothing to remark solves its problems and no others', () => {
  const { solved, left } = made(['unsupported', 'a'], ['unfinished', 'b'])
  solved.quiet('a')
  assert.deepEqual(left(), ['unfinished'])
})
