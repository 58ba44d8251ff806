/** Names in the archive: `debian-12.iso.20260101T120000Z`, and with `-1`, `-2` behind it where that is taken. */

/** NAME_MAX of Linux filesystems, bytes. */
const MAX_NAME_BYTES = 255

/** The name of a file that is archived now, `attempt` counting from 0. Never ends in `.iso`, never over 255 bytes. */
export function archiveName(name: string, nowMs: number, attempt: number): string {
  const stamp = new Date(nowMs).toISOString().replace(/[-:]|\.\d+/g, '')
  const end = attempt === 0 ? `.${stamp}` : `.${stamp}-${attempt}`
  return shorten(name, MAX_NAME_BYTES - end.length) + end
}

/** `name` cut to at most `bytes`, between two characters. */
function shorten(name: string, bytes: number): string {
  const all = Buffer.from(name)
  if (all.length <= bytes) return name
  let end = bytes
  while (((all[end] ?? 0) & 0xc0) === 0x80) end--
  return all.toString('utf8', 0, end)
}

/** What `archiveName` made the name of, and when; null for a name that it did not make. A long one may have been cut. */
export function parseArchiveName(archived: string): { readonly name: string; readonly archivedMs: number } | null {
  const found = /^(.+)\.(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z(?:-\d+)?$/s.exec(archived)
  if (found === null) return null
  const [, name = '', year, month, day, hour, minute, second] = found
  const archivedMs = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
  return Number.isNaN(archivedMs) ? null : { name, archivedMs }
}
