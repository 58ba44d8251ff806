/**
 * The command line: which words there are and what each calls. What a command does is in its own file, so that
 * `status` starts without loading what only the daemon needs.
 */
import tab from '@bomb.sh/tab/commander'
import { Command, CommanderError, Option } from 'commander'
import { type ControlClient } from '../api/client.ts'
import { nearest } from '../config/nearest.ts'
import { thisMachine } from '../config/storage-path.ts'
import {
  approve,
  archiveList,
  archivePurge,
  archiveRestore,
  discard,
  newIdentity,
  rescan,
  where,
} from './answer-commands.ts'
import { configFile, connectToDaemon } from './control-connection.ts'
import { type RunDaemon } from './daemon-command.ts'
import { type ExamineHost } from './doctor-command.ts'
import { exitCodeOf, exitCodesInWords, FINE, UsageError, WRONG_USAGE } from './exit-code.ts'
import { scrub, type ScrubOptions } from './scrub-command.ts'
import { health, healthExitsInWords } from './health-command.ts'
import { status } from './status-command.ts'
import { type Terminal } from './terminal.ts'
import { version } from './version.ts'

export interface ProgramNeeds {
  readonly terminal: Terminal
  readonly runDaemon: RunDaemon
  readonly examineHost: ExamineHost
  /** Ends `status --watch`. */
  readonly interrupted: AbortSignal
}

interface GlobalOptions {
  readonly config?: string
  readonly checkConfig?: boolean
  readonly dumpSampleConfig?: boolean
  readonly generateSecret?: boolean
  readonly getRoSecret?: string
  readonly log?: string
}

/** Runs the words of the command line (without node and script); resolves with the exit status, never rejects. */
export async function runProgram(words: readonly string[], needs: ProgramNeeds): Promise<number> {
  let exitCode = FINE
  const program = createProgram(needs, (code) => (exitCode = code))
  try {
    await program.parseAsync([...words], { from: 'user' })
    return exitCode
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? FINE : WRONG_USAGE
    needs.terminal.err(`isosyncd: ${error instanceof Error ? error.message : String(error)}\n`)
    return exitCodeOf(error)
  }
}

function createProgram(needs: ProgramNeeds, done: (exitCode: number) => void): Command {
  const program = new Command('isosyncd')
    .description(
      'Keeps pools of ISO images identical on every store of every site.\nWithout a command it runs the daemon, in the foreground.',
    )
    .usage('--config FILE | COMMAND [options]')
    .option('--config <file>', 'config file; else $ISOSYNCD_CONFIG, else /etc/isosyncd/sync.json')
    .option('--check-config', 'tell every mistake in the config, and start nothing')
    .option('--dump-sample-config', 'print a config to start from')
    .option('--generate-secret', 'print a new secret for a folder')
    .option('--get-ro-secret <secret>', "print the read-only secret of a secret ('-': read it from standard input)")
    .option('--nodaemon', 'accepted: isosyncd always stays in the foreground')
    .option('--log <file>', 'log to this file (opened anew on SIGHUP) in place of standard output')
    .version(version(), '--version')
    .helpOption('-h, --help')
    .addHelpText(
      'after',
      `\n${exitCodesInWords}\n\n${healthExitsInWords}\n\n$ISOSYNCD_LOG_LEVEL: trace, debug, info (default), warn, error`,
    )
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ writeOut: (text) => needs.terminal.out(text), writeErr: (text) => needs.terminal.err(text) })
    .exitOverride()
    .allowExcessArguments()
  program.action(async (options: GlobalOptions, command: Command) => done(await runRoot(options, command, needs)))
  addAnswers(program, needs, done)
  tab(program)
  return program
}

async function runRoot(
  options: GlobalOptions,
  command: Command,
  { terminal, runDaemon }: ProgramNeeds,
): Promise<number> {
  const [word] = command.args
  if (word !== undefined) throw new UsageError(unknownCommand(word, command))
  // Loaded here: the schema and the log cost `status` a fifth of a second.
  const { checkConfig, dumpSampleConfig, printNewSecret, printReadOnlySecret } = await import('./config-commands.ts')
  if (options.generateSecret) return printNewSecret(terminal)
  if (options.getRoSecret !== undefined) return printReadOnlySecret(options.getRoSecret, terminal)
  if (options.dumpSampleConfig) return dumpSampleConfig(terminal)
  const file = configFile(options.config, process.env)
  if (options.checkConfig) return checkConfig(file, terminal)
  const { startDaemon } = await import('./daemon-command.ts')
  const logLevel = process.env['ISOSYNCD_LOG_LEVEL']
  return startDaemon({ file, logFile: options.log ?? null, logLevel, version: version() }, terminal, runDaemon)
}

function addAnswers(program: Command, needs: ProgramNeeds, done: (exitCode: number) => void): void {
  const { terminal } = needs
  const client = (): ControlClient => connectToDaemon(program.opts<GlobalOptions>().config, thisMachine())
  const folder = () => new Option('--folder <folder>', 'which folder: its dir, the last part of it, or its id')
  const json = () => new Option('--json', 'for programs')

  program
    .command('status')
    .description('this host, its folders, peers, transfers and problems')
    .addOption(json())
    .option('--watch', 'again every second')
    .action(async (o: { json?: boolean; watch?: boolean }) =>
      done(await status(client(), { json: o.json === true, watch: o.watch === true }, terminal, needs.interrupted)),
    )
  program
    .command('health')
    .description('for monitoring: is all well? Exit status 0 yes, 1 warning, 2 critical, 3 unknown')
    .addOption(json())
    .action(async (o: { json?: boolean }) => done(await health(client, { json: o.json === true }, terminal)))
  program
    .command('doctor')
    .description(
      'look at config, storage, index, folders, hosts and clock: what is wrong, and the command that mends it',
    )
    .addOption(json())
    .action(async (o: { json?: boolean }) => {
      const { doctor } = await import('./doctor-command.ts')
      const file = configFile(program.opts<GlobalOptions>().config, process.env)
      done(await doctor(file, { json: o.json === true }, { ...needs, client: client() }))
    })
  program
    .command('where <name>')
    .description('which hosts have this file whole and verified; exit status 0 only if all have')
    .addOption(folder())
    .addOption(json())
    .action(async (name: string, o: object) => done(await where(client(), name, o, terminal)))
  program
    .command('rescan')
    .description('look at all files now')
    .addOption(folder())
    .addOption(json())
    .action(async (o: object) => done(await rescan(client(), o, terminal)))

  program
    .command('scrub [name]')
    .description('how far re-reading all content is; with --now, read all, or that file, now, and heal what has rotted')
    .option('--now', 'at full speed; exit status 0 only if nothing is rotten, or all of it was healed')
    .addOption(folder())
    .addOption(json())
    .action(async (name: string | undefined, o: ScrubOptions) => done(await scrub(client(), name, o, terminal)))

  program
    .command('approve [name]')
    .description(
      'let go what the brake holds; with NAME, take that file as it is although it is held, does not look whole, or has rotted',
    )
    .addOption(folder())
    .addOption(json())
    .action(async (name: string | undefined, o: object) => done(await approve(client(), name, o, terminal)))
  program
    .command('discard')
    .description('bring back what was deleted or overwritten and is held')
    .addOption(folder())
    .addOption(json())
    .action(async (o: object) => done(await discard(client(), o, terminal)))

  program
    .command('new-identity')
    .description('on a host that was copied from another: a new identity and a new index; no file is touched')
    .addOption(json())
    .action(async (o: object) => done(await newIdentity(client(), o, terminal)))

  const archive = program.command('archive').description('deleted and replaced files')
  archive
    .command('list')
    .description('what is there')
    .addOption(folder())
    .addOption(json())
    .action(async (o: object) => done(await archiveList(client(), o, terminal)))
  archive
    .command('restore <name>')
    .description('bring a file back, on every host')
    .option('--to <path>', 'under this path in the folder; else where it was')
    .addOption(folder())
    .addOption(json())
    .action(async (name: string, o: object) => done(await archiveRestore(client(), name, o, terminal)))
  archive
    .command('purge [name]')
    .description('remove archived files for good')
    .option('--older-than <days>', 'all that have been there for longer')
    .option('--all', 'all')
    .addOption(folder())
    .addOption(json())
    .action(async (name: string | undefined, o: object) => done(await archivePurge(client(), name, o, terminal)))
}

function unknownCommand(word: string, program: Command): string {
  const near = nearest(
    word,
    program.commands.map((command) => command.name()),
  )
  const hint = near === null ? 'see `isosyncd --help`' : `did you mean \`isosyncd ${near}\`?`
  return `there is no command '${word}': ${hint}`
}
