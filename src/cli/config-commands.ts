/** What `isosyncd` does with a config or a secret without starting anything. Each returns an exit status. */
import { readFileSync } from 'node:fs'
import { generateSecret, readOnlySecret } from '../base/secret.ts'
import { loadConfig, type LoadedConfig } from '../config/load.ts'
import { type Mistake, showMistake } from '../config/mistake.ts'
import { FINE, UsageError, WRONG_USAGE } from './exit-code.ts'
import { count } from './figures.ts'
import { type Terminal } from './terminal.ts'

export function checkConfig(file: string, terminal: Terminal): number {
  const loaded = loadConfig(file)
  tellWarnings(loaded, terminal)
  const mistakes = loaded.ok ? loaded.awaited : loaded.mistakes
  if (!loaded.ok || mistakes.length > 0) return tellMistakes(mistakes, file, terminal)
  const { folders, listeningPort, storagePath } = loaded.config
  terminal.out(
    `${file}: fine: ${count(folders.length, 'folder')}, port ${listeningPort}, storage_path ${storagePath}\n`,
  )
  return FINE
}

/** The config for a daemon to run by, or an exit status after having told every mistake. */
export function configForDaemon(file: string, terminal: Terminal): Extract<LoadedConfig, { ok: true }> | number {
  const loaded = loadConfig(file)
  if (loaded.ok) return loaded
  tellWarnings(loaded, terminal)
  return tellMistakes(loaded.mistakes, file, terminal)
}

function tellWarnings(loaded: LoadedConfig, terminal: Terminal): void {
  for (const warning of loaded.warnings) terminal.err(`${showMistake(warning)} (warning)\n`)
}

function tellMistakes(mistakes: readonly Mistake[], file: string, terminal: Terminal): number {
  for (const mistake of mistakes) terminal.err(`${showMistake(mistake)}\n`)
  terminal.err(`isosyncd: ${count(mistakes.length, 'mistake')} in ${file}: nothing was started, nothing was changed\n`)
  return WRONG_USAGE
}

export function dumpSampleConfig(terminal: Terminal): number {
  terminal.out(readFileSync(new URL('../../config/sync.sample.json', import.meta.url), 'utf8'))
  return FINE
}

export function printNewSecret(terminal: Terminal): number {
  terminal.out(`${generateSecret()}\n`)
  return FINE
}

/** `given` is a read-write secret, or '-' for standard input: an argument can be seen by all users in `ps`. */
export function printReadOnlySecret(given: string, terminal: Terminal): number {
  const secret = (given === '-' ? readFileSync(0, 'utf8') : given).trim()
  try {
    terminal.out(`${readOnlySecret(secret)}\n`)
    return FINE
  } catch (error) {
    throw new UsageError(`this is no secret: ${(error as Error).message}`)
  }
}
