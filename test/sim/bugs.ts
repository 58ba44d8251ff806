/**
 * npm run sim:bugs [-- NAME …]: proves that the simulation can fail. Puts one known bug at a time into a copy of the
 * sources, and runs seeds until one finds it: each must be found within 1,000.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const MOST_SEEDS = 1000
const home = fileURLToPath(new URL('../..', import.meta.url))

interface Edit {
  readonly file: string
  readonly from: string
  readonly to: string
}

interface Bug {
  readonly name: string
  readonly edits: readonly Edit[]
}

const COMMITTER = `together: (work) => index.together(() => {
  const done = work()
  this.announcer.push()
  return done
})`

/** The fake of the disk stands for the real one here: both pass the same suite. */
const BUGS: readonly Bug[] = [
  {
    name: 'fsync',
    edits: [
      { file: 'src/engine/transfer.ts', from: 'await this.#staged?.sync()', to: 'await this.#staged?.stat()' },
      { file: 'src/fs/memory-staging.ts', from: '    sync(file)\n', to: '' },
    ],
  },
  { name: 'fsync-in-seal', edits: [{ file: 'src/fs/memory-staging.ts', from: '    sync(file)\n', to: '' }] },
  {
    name: 'tombstone-on-eacces',
    edits: [
      {
        file: 'src/scan/gone.ts',
        from: '    if (problem !== null) yield problem\n    return\n',
        to: '    if (problem !== null) yield problem\n',
      },
      { file: 'src/scan/tree-walk.ts', from: '    this.#passOver.push(dir)\n', to: '' },
      {
        file: 'src/engine/deletions.ts',
        from: "if ((await this.#needs.disk.stat(path).catch(() => 'unknown')) === null)",
        to: 'if ((await this.#needs.disk.stat(path).catch(() => null)) === null)',
      },
    ],
  },
  {
    name: 'vector-compare',
    edits: [
      {
        file: 'src/sync/version.ts',
        from: "if (aHasMore) return bHasMore ? 'concurrent' : 'after'\n  return bHasMore ? 'before' : 'equal'",
        to: "if (aHasMore) return bHasMore ? 'concurrent' : 'before'\n  return bHasMore ? 'after' : 'equal'",
      },
    ],
  },
  {
    name: 'announce-before-commit',
    edits: [
      {
        file: 'src/engine/pool-folder.ts',
        from: 'new Committer({ index,',
        to: `new Committer({ index: { commit: (changes) => index.commit(changes), ${COMMITTER} },`,
      },
    ],
  },
  {
    name: 'marker',
    edits: [
      {
        file: 'src/engine/root-guard.ts',
        from: '    const marker = await this.#needs.disk.readMarker()\n',
        to: "    if (this.#needs.index.hasEntries()) return { standing: 'ours', marker: null }\n    const marker = await this.#needs.disk.readMarker()\n",
      },
    ],
  },
  {
    name: 'serve-unchecked',
    edits: [{ file: 'src/engine/content-reader.ts', from: ' && blake3(into).equals(hash)', to: ' && hash.length > 0' }],
  },
  {
    name: 'blind-scrub',
    edits: [{ file: 'src/engine/file-verifier.ts', from: 'if (bad.length === 0) return', to: 'if (bad) return' }],
  },
]

const wanted = process.argv.slice(2)
let missed = 0
for (const bug of BUGS) {
  if (wanted.length > 0 && !wanted.includes(bug.name)) continue
  const found = find(bug)
  if (found === null) missed++
  console.log(`${bug.name}: ${found ?? `NOT found within ${MOST_SEEDS} seeds`}`)
}
process.exitCode = missed === 0 ? 0 : 1

/** The line that says which seed found it, or null. */
function find({ edits }: Bug): string | null {
  const dir = mkdtempSync(join(tmpdir(), 'isosyncd-bug-'))
  try {
    for (const part of ['src', 'test', 'bin', 'package.json'])
      cpSync(join(home, part), join(dir, part), { recursive: true })
    symlinkSync(join(home, 'node_modules'), join(dir, 'node_modules'))
    for (const edit of edits) put(dir, edit)
    const run = ['test/sim/main.ts', '--seeds', String(MOST_SEEDS), '--first-failure']
    const { stdout } = spawnSync(process.execPath, run, { cwd: dir, encoding: 'utf8' })
    return /^seed \d+.*/m.exec(stdout.slice(stdout.lastIndexOf('\nseed ') + 1))?.[0] ?? null
  } finally {
    rmSync(dir, { recursive: true })
  }
}

function put(dir: string, { file, from, to }: Edit): void {
  const path = join(dir, file)
  const text = readFileSync(path, 'utf8')
  if (!text.includes(from)) throw new Error(`${file} has changed: the bug has to be put in another way`)
  writeFileSync(path, text.replace(from, to))
}
