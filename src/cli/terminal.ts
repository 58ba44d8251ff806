/** Where a sub-command writes, as an object that tests can replace; and text made safe for a terminal. */

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
  return {
    isTTY: stdout.isTTY,
    colors: stdout.isTTY && !env['NO_COLOR'] && env['TERM'] !== 'dumb',
    columns: () => (stdout.isTTY ? stdout.columns : PLAIN_COLUMNS),
    rows: () => (stdout.isTTY ? stdout.rows : Infinity),
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
