/** Runs `bin/isosyncd` as a child process, as an operator would. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

export const LAUNCHER = fileURLToPath(new URL('../../bin/isosyncd', import.meta.url))

export interface RunOptions {
  readonly launcher?: string
  readonly cwd?: string
  readonly input?: string
  readonly env?: Readonly<Record<string, string>>
}

export interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

export async function run(words: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const { PATH = '', HOME = '/' } = process.env
  const env = { PATH, HOME, ...options.env }
  const child = spawn(options.launcher ?? LAUNCHER, words, { cwd: options.cwd ?? '/', env })
  child.stdin.end(options.input ?? '')
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { code: child.exitCode, out, err }
}
