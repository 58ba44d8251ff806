/** Owner, group and mode of what we make, as the config wants them (an oVirt ISO domain: 36:36, 0644). */
import { fstatSync } from 'node:fs'
import { attempt } from './fs-errors.ts'
import { changeMode, changeOwner } from './system-calls.ts'

/** Numeric ids and permission bits; null leaves it as the system made it. */
export interface Ownership {
  readonly owner: number | null
  readonly group: number | null
  readonly mode: number | null
}

/** chown(2): leaves that id as it is. */
export const KEEP_ID = -1

/** Gives an open file or directory its owner and mode, if it has others. Owner first: it may clear bits of the mode. */
export async function giveTo(fd: number, shown: string, wanted: Ownership): Promise<void> {
  if (wanted.owner === null && wanted.group === null && wanted.mode === null) return
  await attempt(shown, 'cannot set owner and mode', async () => {
    const now = fstatSync(fd)
    const owner = wanted.owner ?? now.uid
    const group = wanted.group ?? now.gid
    if (owner !== now.uid || group !== now.gid) await changeOwner(fd, owner, group)
    if (wanted.mode !== null && wanted.mode !== (now.mode & 0o7777)) await changeMode(fd, wanted.mode)
  })
}
