/**
 * isosyncd beside other programs: the same work for each, on hosts in network namespaces. Writes `bench/results.json` after
 * each scenario and draws `bench/results.svg` of it; what was not run again keeps its place. Needs root and Debian's
 * iproute2; with sites also a C compiler (gcc, libc6-dev). Programs that are not installed are skipped, with a line.
 *
 *     bin/node bench/compare.ts [SCENARIO...] [--programs a,b] [--runs N] [--mb N] [--out DIRECTORY] [--under DIRECTORY]
 *
 * --mb gives all scenarios another size, to try; then say --out, for the results are not comparable.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, release, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { drawChart } from './lab/chart.ts'
import { measure } from './lab/measure.ts'
import { isosyncd } from './lab/programs/isosyncd.ts'
import { libtorrent } from './lab/programs/libtorrent.ts'
import { type Program } from './lab/programs/program.ts'
import { plainRsync, rsyncOverSsh } from './lab/programs/rsync.ts'
import { syncthing } from './lab/programs/syncthing.ts'
import { type Figures, type Results, type Row, withRows } from './lab/results.ts'
import { parseWanted, type Scenario, SCENARIOS } from './lab/scenarios.ts'

const PROGRAMS: readonly Program[] = [isosyncd, rsyncOverSsh, plainRsync, syncthing, libtorrent]
const order = { scenarios: SCENARIOS.map(({ name }) => name), programs: PROGRAMS.map(({ name }) => name) }
/** Memory, where there is some to spare: the disk of the machine is not to be what is compared. */
const MEMORY_FOLDER = '/dev/shm'

const interruption = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => interruption.abort())

try {
  process.exitCode = (await compare()) ? 0 : 1
} catch (error) {
  console.error(`compare: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 2
}

/** False if something failed. */
async function compare(): Promise<boolean> {
  const text = { type: 'string' } as const
  const options = { programs: text, runs: text, mb: text, out: text, under: text }
  const { values, positionals } = parseArgs({ options, allowPositionals: true })
  const wanted = parseWanted({ positionals, ...values }, order.programs)
  if (process.getuid?.() !== 0) throw new Error('network namespaces need root: sudo npm run bench -- compare')
  const out = values.out ?? import.meta.dirname
  if (values.mb !== undefined && values.out === undefined)
    throw new Error('--mb is for trying: say with --out where its results go')
  mkdirSync(out, { recursive: true })
  const under = values.under ?? (existsSync(MEMORY_FOLDER) ? MEMORY_FOLDER : tmpdir())
  const programs = PROGRAMS.filter(({ name }) => wanted.programs.includes(name)).filter(isHere)
  let isWell = true
  for (const scenario of wanted.scenarios) {
    const rows = await inTurn(scenario, programs, wanted.runs, under)
    save(out, rows)
    if (interruption.signal.aborted) process.exit(130) // all has been removed, what was measured is kept
    isWell &&= rows.every((row) => row.trouble === undefined)
  }
  return isWell
}

function isHere(program: Program): boolean {
  const missing = program.missing()
  if (missing !== null) console.error(`${program.title} is skipped: ${missing}`)
  return missing === null
}

/** A run of each, then the next run of each: what disturbs the machine for a while disturbs all alike. */
async function inTurn(scenario: Scenario, programs: readonly Program[], runs: number, under: string): Promise<Row[]> {
  const able = programs.filter((program) => {
    const why = program.unfit(scenario)
    if (why !== null) console.error(`${scenario.name}: ${program.title} is skipped: ${why}`)
    return why === null
  })
  const rows = new Map(able.map((program) => [program, { runs: [] as Figures[], trouble: [] as string[] }]))
  for (let run = 0; run < runs && !interruption.signal.aborted; run++) {
    for (const [program, row] of rows) {
      try {
        const figures = await measure(scenario, program, under, interruption.signal)
        row.runs.push(figures)
        console.log(JSON.stringify({ scenario: scenario.name, program: program.name, ...figures }))
      } catch (error) {
        if (interruption.signal.aborted) break
        const trouble = error instanceof Error ? error.message : String(error)
        row.trouble.push(trouble)
        console.error(`${scenario.name}: ${program.title} failed, the others go on: ${trouble}`)
      }
    }
  }
  const date = new Date().toISOString().slice(0, 10)
  const begun = [...rows].filter(([, row]) => row.runs.length + row.trouble.length > 0)
  return begun.map(([program, row]) => ({
    scenario: scenario.name,
    title: scenario.title,
    program: program.name,
    programTitle: program.title,
    date,
    runs: row.runs,
    ...(row.trouble.length === 0 ? {} : { trouble: row.trouble.join('; ') }),
  }))
}

function save(out: string, rows: readonly Row[]): void {
  const file = join(out, 'results.json')
  const old = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Results).rows : []
  const results = withRows({ machine: thisMachine(), rows: old }, rows, order)
  writeFileSync(file, `${JSON.stringify(results, null, 1)}\n`)
  writeFileSync(join(out, 'results.svg'), drawChart(results, order.programs))
}

function thisMachine(): Results['machine'] {
  const all = cpus()
  const processors = `${all.length} × ${all[0]?.model.trim() ?? 'unknown'}`
  return { processors, kernel: release(), memoryGiB: Math.round(totalmem() / 2 ** 30) }
}
