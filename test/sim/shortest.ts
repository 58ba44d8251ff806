/** Looks for the fewest steps after which a failing seed still fails, once all is healed. */
import { type Outcome, runSeed } from './run-seed.ts'

type Failure = Extract<Outcome, { ok: false }>

export async function shortest(seed: number, failure: Failure): Promise<{ steps: number; outcome: Failure }> {
  let [passes, steps, found] = [0, failure.step, failure]
  while (steps - passes > 1) {
    const middle = (passes + steps) >> 1
    const outcome = await runSeed({ seed, steps: middle })
    if (outcome.ok) passes = middle
    else [steps, found] = [middle, outcome]
  }
  return { steps, outcome: found }
}
