/** Runs seeds in several processes; what came of them is told in the order of the seeds, whoever is done first. */
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { type Outcome, runSeed } from './run-seed.ts'

const WORKER = fileURLToPath(new URL('seed-worker.ts', import.meta.url))

export interface SeedOutcome {
  readonly seed: number
  readonly outcome: Outcome
}

export function outcomes(seeds: readonly number[], jobs: number): AsyncGenerator<SeedOutcome> {
  return jobs > 1 && seeds.length > 1 ? sideBySide(seeds, Math.min(jobs, seeds.length)) : oneByOne(seeds)
}

async function* oneByOne(seeds: readonly number[]): AsyncGenerator<SeedOutcome> {
  for (const seed of seeds) yield { seed, outcome: await runSeed({ seed }) }
}

/** Leaving the loop over it ends the processes, with what they are at. */
async function* sideBySide(seeds: readonly number[], jobs: number): AsyncGenerator<SeedOutcome> {
  const asked = seeds.map((seed) => ({ seed, ...Promise.withResolvers<Outcome>() }))
  const left = [...asked]
  const workers = new Set<ChildProcess>()
  for (let i = 0; i < jobs; i++) void work(left, workers)
  try {
    for (const { seed, promise } of asked) yield { seed, outcome: await promise }
  } finally {
    left.length = 0
    for (const worker of workers) worker.kill()
  }
}

type Asked = PromiseWithResolvers<Outcome> & { readonly seed: number }

/** Takes seeds until none is left. A process that ends in the midst of one has failed it; another goes on. */
async function work(left: Asked[], workers: Set<ChildProcess>): Promise<void> {
  let worker = start(workers)
  for (let next = left.shift(); next !== undefined; next = left.shift()) {
    if (!worker.connected) worker = start(workers)
    next.resolve(await run(worker, next.seed))
  }
  worker.kill()
}

function start(workers: Set<ChildProcess>): ChildProcess {
  const worker = fork(WORKER)
  workers.add(worker)
  return worker
}

function run(worker: ChildProcess, seed: number): Promise<Outcome> {
  const { promise, resolve } = Promise.withResolvers<Outcome>()
  const ended = (code: number | null, signal: string | null) =>
    resolve({ ok: false, step: 0, what: `its process ended with ${signal ?? code}`, trace: [] })
  worker.once('exit', ended)
  worker.once('message', (outcome) => {
    worker.off('exit', ended)
    resolve(outcome as Outcome)
  })
  worker.send(seed)
  return promise
}
