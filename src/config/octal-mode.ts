/** Modes of files and directories, written as octal digits in a string because JSON has no octal numbers. */

/** The mode as a number, or in plain words what is wrong. `must` is what the daemon itself needs of the owner's bits. */
export function parseOctalMode(text: string, allowed: number, must: number): number | string {
  if (!/^(0o?)?[0-7]{3,4}$/.test(text)) return `'${text}' is no octal mode`
  const mode = Number.parseInt(text.replace(/^0o/, ''), 8)
  if ((mode & ~allowed) !== 0) return `'${text}' has bits that do not belong here (at most 0${allowed.toString(8)})`
  if ((mode & must) !== must) {
    return `'${text}' would lock isosyncd itself out: its owner needs at least 0${must.toString(8)}`
  }
  return mode
}
