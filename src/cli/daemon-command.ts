/** `isosyncd --config FILE`: loads the config, opens the log and hands both to the daemon. */
import { type Log } from '../base/log.ts'
import { type Config } from '../config/config.ts'
import { loadConfig, type LoadedConfig } from '../config/load.ts'
import { showMistake } from '../config/mistake.ts'
import { configForDaemon } from './config-commands.ts'
import { createLogging } from './logging.ts'
import { type Terminal } from './terminal.ts'

/** What the daemon needs besides its config. */
export interface DaemonNeeds {
  readonly log: Log
  readonly version: string
  /** Loads the config file again (SIGHUP). Mistakes are logged and give null: the running config stays. */
  reloadConfig(): Config | null
  /** Opens the log file anew (SIGHUP, after logrotate). */
  reopenLog(): void
}

/** Runs until told to stop by a signal; resolves with the exit status. */
export type RunDaemon = (config: Config, needs: DaemonNeeds) => Promise<number>

export interface DaemonOptions {
  readonly file: string
  /** --log FILE; null: stdout. */
  readonly logFile: string | null
  readonly logLevel: string | undefined
  readonly version: string
}

export async function startDaemon(options: DaemonOptions, terminal: Terminal, runDaemon: RunDaemon): Promise<number> {
  const loaded = configForDaemon(options.file, terminal)
  if (typeof loaded === 'number') return loaded
  const logging = createLogging({ file: options.logFile, level: options.logLevel, isTTY: terminal.isTTY })
  const { log } = logging
  tell(loaded, log)
  return runDaemon(loaded.config, {
    log,
    version: options.version,
    reloadConfig: () => reload(options.file, log),
    reopenLog: () => logging.reopen(),
  })
}

function reload(file: string, log: Log): Config | null {
  const loaded = loadConfig(file)
  tell(loaded, log)
  if (loaded.ok) return loaded.config
  for (const mistake of loaded.mistakes) log.error({ key: mistake.key }, showMistake(mistake))
  log.error({ file, mistakes: loaded.mistakes.length }, 'the config has mistakes: the running one stays as it is')
  return null
}

/** What does not keep a daemon from running. */
function tell(loaded: LoadedConfig, log: Log): void {
  for (const warning of loaded.warnings) log.warn({ key: warning.key }, showMistake(warning))
  for (const awaited of loaded.ok ? loaded.awaited : [])
    log.warn({ key: awaited.key }, `${showMistake(awaited)}: the folder is halted until then, and goes on by itself`)
}
