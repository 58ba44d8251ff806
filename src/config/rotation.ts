/** The two keys of a secret that is being replaced belong together; and what they mean now is said. */
import { parseSecret } from '../base/secret.ts'
import { type KeyPath } from './document.ts'
import { type Findings } from './findings.ts'
import { folderSchema } from './schema.ts'

export function checkRotation(folder: Record<string, unknown>, key: KeyPath, findings: Findings): void {
  const { previous_secret: previous, previous_secret_until: until } = folder
  if (previous === undefined && until === undefined) return
  const [secretAt, untilAt] = [
    [...key, 'previous_secret'],
    [...key, 'previous_secret_until'],
  ]
  if (until === undefined) return findings.mistake(secretAt, "needs an end: add 'previous_secret_until'")
  if (previous === undefined) return findings.mistake(untilAt, "says when 'previous_secret' ends, and there is none")
  if (idOf(previous) !== null && idOf(previous) === idOf(folder['secret']))
    findings.mistake(secretAt, "is the same as 'secret': there the new one belongs, here the one that was in use")
  const end = folderSchema.shape.previous_secret_until.safeParse(until)
  if (!end.success || end.data === undefined) return
  const when = new Date(end.data).toISOString()
  const sentence =
    end.data > Date.now()
      ? `hosts that have only this one are peers until ${when}, and are out from then on: give all hosts that stay the new secret before`
      : `ended at ${when}: hosts that have only this one are out. Remove both keys when each host has been started with them once`
  findings.warning(secretAt, sentence)
}

function idOf(secret: unknown): string | null {
  const keys = typeof secret === 'string' ? parseSecret(secret) : ''
  return typeof keys === 'string' ? null : keys.id
}
