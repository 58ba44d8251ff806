/** `owner` and `group` as numbers, from /etc/passwd and /etc/group: a static build of Node asks no other source. */
import { readFileSync } from 'node:fs'

export type AccountKind = 'owner' | 'group'

/** Linux ids have 32 bits, the last one means "none" (chown(2)). */
const LAST_ID = 2 ** 32 - 2

const files = { owner: '/etc/passwd', group: '/etc/group' } as const

/** The id of a user or group given by number or name, or in plain words what is wrong. */
export function resolveAccount(kind: AccountKind, given: string | number): number | string {
  if (typeof given === 'number' || /^[0-9]+$/.test(given)) {
    const id = Number(given)
    return Number.isInteger(id) && id >= 0 && id <= LAST_ID ? id : `${given} is no id: a whole number up to ${LAST_ID}`
  }
  const id = idsByName(kind).get(given)
  if (id !== undefined) return id
  return `there is no ${kind === 'owner' ? 'user' : 'group'} '${given}' in ${files[kind]}; a number works everywhere, such as 36`
}

function idsByName(kind: AccountKind): Map<string, number> {
  const lines = readFileSync(files[kind], 'utf8').split('\n')
  const fields = lines.map((line) => line.split(':'))
  return new Map(fields.filter((f) => f.length > 2).map((f) => [f[0] ?? '', Number(f[2])]))
}
