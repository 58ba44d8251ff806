/** Figures and tables as the operator reads them. */
import Table from 'cli-table3'
import prettyBytes from 'pretty-bytes'
import prettyMs from 'pretty-ms'

export function bytes(count: number): string {
  return prettyBytes(count)
}

/** Signs of life and the like: below it nothing worth a figure goes on. */
const SILENCE_BYTES_PER_SECOND = 1000

export function rate(bytesPerSecond: number): string {
  return bytesPerSecond >= SILENCE_BYTES_PER_SECOND ? `${prettyBytes(bytesPerSecond)}/s` : '-'
}

/** The two largest units: `3d 4h`, `12s`, `640ms`. */
export function duration(ms: number): string {
  return prettyMs(
    Math.max(0, ms),
    ms < 1000 ? { millisecondsDecimalDigits: 0 } : { unitCount: 2, secondsDecimalDigits: ms < 10_000 ? 1 : 0 },
  )
}

export function count(number: number, noun: string): string {
  return `${number.toLocaleString('en-US')} ${noun}${number === 1 ? '' : 's'}`
}

/** `2026-01-31 14:05`, in local time. */
export function moment(ms: number): string {
  const date = new Date(ms)
  const local = new Date(ms - date.getTimezoneOffset() * 60_000)
  return local.toISOString().slice(0, 16).replace('T', ' ')
}

/** Percentages are cut, not rounded: 100 % means all of it. */
export function percent(part: number, whole: number): string {
  return `${whole === 0 ? 100 : Math.floor((100 * part) / whole)} %`
}

/** A bar of `width` cells. */
export function bar(part: number, whole: number, width: number): string {
  const full = whole === 0 ? width : Math.floor((width * Math.min(part, whole)) / whole)
  return '█'.repeat(full) + '░'.repeat(width - full)
}

const noLines = {
  top: '', 'top-mid': '', 'top-left': '', 'top-right': '', bottom: '', 'bottom-mid': '', 'bottom-left': '',
  'bottom-right': '', left: '  ', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: '  ',
} // prettier-ignore

/** Columns under a head, without lines; ends without a line break. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const made = new Table({
    head: [...head],
    chars: noLines,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  })
  made.push(...rows.map((row) => [...row]))
  return made
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
}
