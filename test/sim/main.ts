/**
 * npm run sim -- --seeds N --from S     runs N seeds from S on; prints the first that fails and ends with 1
 * npm run sim -- … --kept               runs those too that once failed (seeds.json)
 * npm run sim -- … --keep-going         tells of each that fails, and goes on; --first-failure ends there
 * npm run sim -- … --jobs N             runs so many at a time, each in a process of its own; as many as there are cores
 * npm run sim -- --only S,S,…           runs these
 * npm run sim -- --from S --trace       runs seed S and prints all that happens; --steps N: only so many steps of it
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { type Outcome, runSeed } from './run-seed.ts'
import { shortest } from './shortest.ts'
import { outcomes } from './side-by-side.ts'

type Failure = Extract<Outcome, { ok: false }>

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1' },
    from: { type: 'string', default: '1' },
    only: { type: 'string' },
    kept: { type: 'boolean', default: false },
    jobs: { type: 'string', default: String(availableParallelism()) },
    steps: { type: 'string' },
    trace: { type: 'boolean', default: false },
    'keep-going': { type: 'boolean', default: false },
    'first-failure': { type: 'boolean', default: false },
  },
})
const isBrief = values['keep-going'] || values['first-failure']
process.exitCode = values.trace || values.steps !== undefined ? await watch(Number(values.from)) : await runAll()

/** One seed, or its first steps, with all that happens. */
async function watch(seed: number): Promise<number> {
  const steps = values.steps === undefined ? {} : { steps: Number(values.steps) }
  const outcome = await runSeed({ seed, echo: values.trace, ...steps })
  if (outcome.ok) console.log(passed(seed, outcome))
  else console.log(`${failed(seed, outcome)}${version()}`)
  return outcome.ok ? 0 : 1
}

async function runAll(): Promise<number> {
  const seeds = wanted()
  const failures: number[] = []
  for await (const { seed, outcome } of outcomes(seeds, Number(values.jobs))) {
    if (outcome.ok) progress(seeds, seed, outcome)
    else failures.push(seed)
    if (outcome.ok) continue
    if (isBrief) console.log(failed(seed, outcome))
    else await explain(seed, outcome)
    if (!values['keep-going']) break
  }
  console.log(failures.length === 0 ? `${seeds.length} seeds passed` : `${failures.length} failed${version()}`)
  return failures.length === 0 ? 0 : 1
}

function wanted(): readonly number[] {
  const from = Number(values.from)
  const range = values.only?.split(',').map(Number) ?? Array.from({ length: Number(values.seeds) }, (_, i) => from + i)
  return [...new Set([...range, ...(values.kept ? kept() : [])])]
}

function kept(): readonly number[] {
  return JSON.parse(readFileSync(new URL('seeds.json', import.meta.url), 'utf8')) as number[]
}

function progress(seeds: readonly number[], seed: number, outcome: Exclude<Outcome, Failure>): void {
  if (seeds.length <= 20) console.log(passed(seed, outcome))
  else if (seed % 25 === 0) console.log(`all up to seed ${seed} done`)
}

/** The last that happened, and the fewest steps after which it still fails. */
async function explain(seed: number, failure: Failure): Promise<void> {
  const { steps, outcome } = await shortest(seed, failure)
  console.log(`${outcome.trace.join('\n')}\n\n${failed(seed, outcome)}`)
  console.log(`again: npm run sim -- --from ${seed} --steps ${steps} --trace`)
}

function passed(seed: number, { steps, digest }: Exclude<Outcome, Failure>): string {
  return `seed ${seed}: ${steps} steps, trace ${digest}`
}

function failed(seed: number, { step, what }: Failure): string {
  return `seed ${seed}, step ${step}: ${what}`
}

/** A seed fails on the sources it was run with, and on few others. */
function version(): string {
  const { status, stdout } = spawnSync('git', ['describe', '--always', '--abbrev=12', '--dirty'], {
    cwd: import.meta.dirname,
    encoding: 'utf8',
  })
  return status === 0 ? `, on ${stdout.trim()}` : ''
}
