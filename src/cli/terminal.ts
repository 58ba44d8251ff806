/** Where a sub-command writes, as an object that tests can replace; and text made safe for a terminal. */
import { isatty } from 'node:tty'

export interface Terminal {
  readonly isTTY: boolean
  readonly colors: boolean
  columns(): number
  rows(): number
  out(text: string): void
  err(text: string): void
}

/** Columns assumed where there is no terminal. */
const PLAIN_COLUMNS = 120

export function processTerminal(): Terminal {
  const { stdout, stderr, env } = process
  // Not stdout.isTTY, which is undefined for a pipe: picocolors would then decide, and colours are on wherever CI is set.
  const isTTY = isatty(stdout.fd)
  return {
    isTTY,
    colors: isTTY && !env['NO_COLOR'] && env['TERM'] !== 'dumb',
    columns: () => (isTTY ? stdout.columns : PLAIN_COLUMNS),
    rows: () => (isTTY ? stdout.rows : Infinity),
    out: (text) => void stdout.write(text),
    err: (text) => void stderr.write(text),
  }
}

/** A file name may hold escape sequences or turn the direction of writing: neither may reach the operator's terminal. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, (c) => {
    const code = c.codePointAt(0) ?? 0
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16)}`
  })
}
