/** `isosyncd scrub`: how far scrubbing is; with --now, starts it, shows how far it is, and waits until what it found is healed. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type ScrubNowReport, type ScrubReport } from '../api/api-types.ts'
import { type ControlClient } from '../api/client.ts'
import { ControlError } from '../api/control-error.ts'
import { FAILED, FINE } from './exit-code.ts'
import { renderScrub, renderScrubbed, scrubLine } from './render-scrub.ts'
import { type Terminal } from './terminal.ts'

export interface ScrubOptions {
  readonly folder?: string
  readonly json?: boolean
  readonly now?: boolean
}

const LOOK_EVERY_MS = 300
/** Where nobody looks at a terminal, a line every so often. */
const PLAIN_LINE_MS = 10_000
/** So long nobody must have what is missing before we say that nobody has: hosts are asked anew after 5 s. */
const GIVE_UP_MS = 12_000
const CLEAR_LINE = '\r\x1b[K'

/** 0 only if nothing is rotten, or all of it was healed, and all could be read. */
export async function scrub(
  client: ControlClient,
  path: string | undefined,
  { folder, json, now }: ScrubOptions,
  terminal: Terminal,
): Promise<number> {
  const which = { ...(folder === undefined ? {} : { folder }), ...(path === undefined ? {} : { path }) }
  const begun = await client.scrub({ ...which, now: now === true })
  if (now !== true) {
    terminal.out(json === true ? asJson(begun) : renderScrub(begun, Date.now()))
    return FINE
  }
  const ended = await untilHealed(() => client.scrub(which), json === true ? null : terminal)
  terminal.out(json === true ? asJson(ended) : renderScrubbed(ended))
  return ended.every((report) => isFine(nowOf(report))) ? FINE : FAILED
}

async function untilHealed(
  look: () => Promise<readonly ScrubReport[]>,
  terminal: Terminal | null,
): Promise<readonly ScrubReport[]> {
  const progress = new Progress(terminal)
  for (let comingMs = performance.now(); ;) {
    const reports = await look()
    const all = reports.map(nowOf)
    if (all.some((now) => now.running || now.rot.some((rot) => rot.state === 'healing'))) comingMs = performance.now()
    const isOver = all.every((now) => !now.running && now.rot.every((rot) => rot.state === 'healed'))
    if (isOver || performance.now() - comingMs > GIVE_UP_MS) {
      progress.end()
      return reports
    }
    progress.show(reports)
    await sleep(LOOK_EVERY_MS)
  }
}

/** One line that is drawn again on a terminal, a line now and then elsewhere. */
class Progress {
  readonly #terminal: Terminal | null
  #lastMs = -PLAIN_LINE_MS

  constructor(terminal: Terminal | null) {
    this.#terminal = terminal
  }

  show(reports: readonly ScrubReport[]): void {
    if (this.#terminal === null) return
    const line = scrubLine(reports, this.#terminal.isTTY)
    if (this.#terminal.isTTY) return this.#terminal.out(`${CLEAR_LINE}${line.slice(0, this.#terminal.columns() - 1)}`)
    if (performance.now() - this.#lastMs < PLAIN_LINE_MS) return
    this.#lastMs = performance.now()
    this.#terminal.out(`${line}\n`)
  }

  end(): void {
    if (this.#terminal?.isTTY === true) this.#terminal.out(CLEAR_LINE)
  }
}

function nowOf({ now, folder }: ScrubReport): ScrubNowReport {
  if (now !== null) return now
  throw new ControlError('failed', `the daemon was restarted: the scrub of ${folder} has ended with it. Ask again`)
}

function isFine({ rot, unreadFiles }: ScrubNowReport): boolean {
  return unreadFiles === 0 && rot.every(({ state }) => state === 'healed')
}

function asJson(reports: readonly ScrubReport[]): string {
  return `${JSON.stringify(reports, null, 2)}\n`
}
