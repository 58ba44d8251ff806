/** Entry point of `isosyncd`. The daemon is loaded only when it is to run: `status` must start fast. */
import { runProgram } from './cli/program.ts'
import { processTerminal } from './cli/terminal.ts'

const interrupted = new AbortController()
const words = process.argv.slice(2)

// A reader that goes away (`isosyncd status --watch | head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))
// The daemon has its own handlers; only --watch is ended here.
if (words.includes('--watch'))
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => interrupted.abort())

process.exitCode = await runProgram(words, {
  terminal: processTerminal(),
  interrupted: interrupted.signal,
  examineHost: async (config, state) => (await import('./host/doctor.ts')).examineHost(config, state),
  runDaemon: async (config, needs) => {
    // Names the process for `ps` and for the pid file's check, whatever directory it was started from.
    process.title = `isosyncd --config ${config.file}`
    const { runDaemon } = await import('./daemon.ts')
    // All is closed and written: a timer that some library has left must not keep the process for another second.
    process.exit(await runDaemon(config, needs))
  },
})
