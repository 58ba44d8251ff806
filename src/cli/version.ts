/** Our version, from package.json: two directories up both in a checkout (src/cli) and in a package (dist/cli). */
import { readFileSync } from 'node:fs'

export function version(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
