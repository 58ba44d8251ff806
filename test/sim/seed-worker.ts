/** Runs seeds in a process of its own, one at a time, as side-by-side.ts hands them out. */
import { runSeed } from './run-seed.ts'

process.on('message', (seed: number) => {
  void runSeed({ seed }).then((outcome) => process.send?.(outcome))
})
