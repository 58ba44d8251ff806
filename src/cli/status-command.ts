/** `isosyncd status`: once, or again every second with --watch. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type ControlClient } from '../api/client.ts'
import { type StatusReport } from '../api/api-types.ts'
import { ControlError } from '../api/control-error.ts'
import { FINE } from './exit-code.ts'
import { renderStatus } from './render-status.ts'
import { type Terminal } from './terminal.ts'

export interface StatusOptions {
  readonly json: boolean
  readonly watch: boolean
}

const REDRAW_MS = 1000

const HOME = '\x1b[H'
const CLEAR_TO_END_OF_LINE = '\x1b[K'
const CLEAR_BELOW = '\x1b[J'
// Long lines are cut at the edge (?7l): wrapped ones would push the first ones off the screen.
const OWN_SCREEN = '\x1b[?1049h\x1b[?25l\x1b[?7l'
const BACK_TO_SHELL = '\x1b[?7h\x1b[?25h\x1b[?1049l'

/** `signal` ends --watch. */
export async function status(
  client: ControlClient,
  options: StatusOptions,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  if (options.watch) return watch(client, options, terminal, signal)
  const report = await client.status()
  terminal.out(options.json ? `${JSON.stringify(report, null, 2)}\n` : render(report, terminal))
  return FINE
}

async function watch(
  client: ControlClient,
  options: StatusOptions,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  const full = terminal.isTTY && !options.json
  if (full) terminal.out(OWN_SCREEN)
  try {
    while (!signal.aborted) {
      const text = await block(client, options, terminal)
      terminal.out(full ? fullScreen(text, terminal) : text)
      await sleep(REDRAW_MS, undefined, { signal }).catch(() => {})
    }
  } finally {
    if (full) terminal.out(BACK_TO_SHELL)
  }
  return FINE
}

/** One state; a daemon that is being restarted is waited for. */
async function block(client: ControlClient, options: StatusOptions, terminal: Terminal): Promise<string> {
  try {
    const report = await client.status()
    return options.json ? `${JSON.stringify(report)}\n` : `${render(report, terminal)}\n`
  } catch (error) {
    if (!(error instanceof ControlError) || error.code !== 'not-running') throw error
    return options.json ? `${JSON.stringify({ error: error.code, message: error.message })}\n` : `${error.message}\n`
  }
}

/** Overwrites the lines that are there, so that nothing flickers; what does not fit is cut. */
function fullScreen(text: string, terminal: Terminal): string {
  const lines = text.split('\n').slice(0, terminal.rows() - 1)
  return HOME + lines.map((line) => `${line}${CLEAR_TO_END_OF_LINE}\n`).join('') + CLEAR_BELOW
}

function render(report: StatusReport, terminal: Terminal): string {
  return renderStatus(report, { colors: terminal.colors, bars: terminal.isTTY, nowMs: Date.now() })
}
