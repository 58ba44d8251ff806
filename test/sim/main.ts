/**
 * npm run sim -- --seeds N --from S     runs N seeds from S on; prints the first that fails and ends with 1
 * npm run sim -- … --keep-going         tells of each that fails, and goes on; --first-failure ends there
 * npm run sim -- --only S,S,…            runs these
 * npm run sim -- --from S --trace       runs seed S and prints all that happens
 */
import { parseArgs } from 'node:util'
import { runSeed } from './run-seed.ts'
import { shortest } from './shortest.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1' },
    from: { type: 'string', default: '1' },
    only: { type: 'string' },
    steps: { type: 'string' },
    trace: { type: 'boolean', default: false },
    'keep-going': { type: 'boolean', default: false },
    'first-failure': { type: 'boolean', default: false },
  },
})
const from = Number(values.from)
const steps = values.steps === undefined ? {} : { steps: Number(values.steps) }
let failed = 0
const seeds = values.only?.split(',').map(Number) ?? Array.from({ length: Number(values.seeds) }, (_, i) => from + i)
for (const seed of seeds) {
  const outcome = await runSeed({ seed, echo: values.trace, ...steps })
  if (outcome.ok) {
    if (seeds.length <= 20) console.log(`seed ${seed}: ${outcome.steps} steps, trace ${outcome.digest}`)
    else if (seed % 25 === 0) console.log(`all up to seed ${seed} done`)
    continue
  }
  failed++
  if (values['first-failure']) {
    console.log(`seed ${seed}, step ${outcome.step}: ${outcome.what}`)
    break
  }
  if (values['keep-going']) {
    console.log(`seed ${seed}, step ${outcome.step}: ${outcome.what}`)
    continue
  }
  const least = values.steps === undefined ? await shortest(seed, outcome) : { steps: Number(values.steps), outcome }
  console.log(`${least.outcome.trace.join('\n')}\n`)
  console.log(`seed ${seed} failed at step ${least.outcome.step}: ${least.outcome.what}`)
  console.log(`again: npm run sim -- --from ${seed} --steps ${least.steps} --trace`)
  break
}
console.log(failed === 0 ? `${seeds.length} seeds passed` : `${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
