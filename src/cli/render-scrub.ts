/** What `scrub` and `status` say of scrubbing, for people. Pure. */
import { type RotState, type ScrubNowReport, type ScrubProgress, type ScrubReport } from '../api/api-types.ts'
import { bar, bytes, count, duration, percent } from './figures.ts'
import { printable } from './terminal.ts'

const BAR_CELLS = 20

/** In half a line, for `status`. */
export function scrubState({ now, round, endedAt, intervalDays }: ScrubReport, nowMs: number): string {
  if (now?.running === true) return `scrubbing now, ${share(now)} done`
  const last = endedAt === null ? '' : `scrubbed ${duration(nowMs - endedAt)} ago`
  if (intervalDays === null) return last === '' ? 'never scrubbed' : last
  if (round === null) return last === '' ? 'not scrubbed yet' : last
  return `scrub ${share(round)} done${last === '' ? '' : ` (${last})`}`
}

/** Without --now. */
export function renderScrub(reports: readonly ScrubReport[], nowMs: number): string {
  return reports.map((report) => `${printable(report.folder)}: ${lines(report, nowMs).join('\n  ')}\n`).join('')
}

function lines(report: ScrubReport, nowMs: number): readonly string[] {
  const { round, endedAt, intervalDays, file, now } = report
  const often = intervalDays === null ? 'only with --now' : `all content every ${count(intervalDays, 'day')}`
  const since = (ms: number) => `${duration(nowMs - ms)} ago`
  return [
    `scrubbed ${often}`,
    ...(round === null ? [] : [`this round: ${share(round)} done, ${amount(round)}, begun ${since(round.beganAt)}`]),
    endedAt === null ? 'no round has ended yet' : `the last round ended ${since(endedAt)}`,
    ...(now === null ? [] : [`${now.running ? 'running' : 'last'} --now: ${outcome(now)}`]),
    ...(file === null ? [] : [fileLine(file, since)]),
  ]
}

function fileLine(file: NonNullable<ScrubReport['file']>, since: (ms: number) => string): string {
  const path = printable(file.path)
  if (file.rotten) return `${path} has rotted, see \`isosyncd status\``
  return file.verifiedAt === null
    ? `${path} has not been read again since it came`
    : `${path} was found right ${since(file.verifiedAt)}`
}

/** While --now runs, or heals. */
export function scrubLine(reports: readonly ScrubReport[], bars: boolean): string {
  const all = reports.flatMap(({ now }) => (now === null ? [] : [now]))
  const sum = (of: (now: ScrubNowReport) => number) => all.reduce((total, now) => total + of(now), 0)
  const [done, whole, rotten] = [sum((n) => n.doneBytes), sum((n) => n.bytes), sum((n) => n.rot.length)]
  const healing = sum((n) => n.rot.filter(({ state }) => state !== 'healed').length)
  const drawn = bars ? `${bar(done, whole, BAR_CELLS)} ` : ''
  const found = rotten === 0 ? '' : `, ${rotten} rotten, ${healing} of them being healed`
  return `${drawn}${percent(done, whole)}  ${bytes(done)} of ${bytes(whole)}${found}`
}

/** When --now has ended. */
export function renderScrubbed(reports: readonly ScrubReport[]): string {
  return reports.map(({ folder, now }) => (now === null ? '' : `${printable(folder)}: ${outcome(now)}\n`)).join('')
}

const BECOME: Readonly<Record<RotState, string>> = {
  healed: 'rotten, and healed',
  healing: 'rotten, being healed',
  waiting: 'rotten, and no connected host has what is missing: see `isosyncd status`',
}

function outcome(now: ScrubNowReport): string {
  const what = now.path === null ? count(now.doneFiles, 'file') : printable(now.path)
  const found = now.rot.length === 0 ? 'nothing rotten' : `${count(now.rot.length, 'rotten file')}`
  const touched = now.touchedFiles === 0 ? '' : `; ${count(now.touchedFiles, 'file')} not judged: being changed`
  const unread = now.unreadFiles === 0 ? '' : `; ${count(now.unreadFiles, 'file')} could not be read`
  return [
    `${what} read, ${bytes(now.doneBytes)}: ${found}${touched}${unread}`,
    ...now.rot.map(({ path, state }) => `${printable(path)}: ${BECOME[state]}`),
    ...now.unread.map(({ path, why }) => `${printable(path)}: ${printable(why)}`),
  ].join('\n  ')
}

function share({ doneBytes, bytes }: ScrubProgress): string {
  return percent(doneBytes, bytes)
}

function amount({ doneBytes, bytes: whole }: ScrubProgress): string {
  return `${bytes(doneBytes)} of ${bytes(whole)}`
}
