/**
 * `npm run bench` runs all benchmarks, one after the other; `npm run bench -- NAME [its arguments]` runs one. Each
 * prints one JSON line; `compare` prints one for each run, and writes and draws them all.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

const NAMES = ['hashing', 'rescan', 'wire', 'arrival', 'many', 'pool', 'slow-disk', 'idle', 'limits', 'compare']

const [name, ...args] = process.argv.slice(2)
if (name !== undefined && !NAMES.includes(name)) {
  console.error(`There is no benchmark '${name}': there are ${NAMES.join(', ')}`)
  process.exitCode = 2
} else {
  const failed = (name === undefined ? NAMES : [name]).filter((one) => !run(one))
  if (failed.length > 0) console.error(`Failed: ${failed.join(', ')}`)
  process.exitCode = failed.length > 0 ? 1 : 0
}

/** False if it failed. */
function run(one: string): boolean {
  const { status } = spawnSync(process.execPath, [join(import.meta.dirname, `${one}.ts`), ...args], {
    stdio: 'inherit',
  })
  return status === 0
}
