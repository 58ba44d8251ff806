/** What became of a dial, in the operator's words. */
import { COPY_ANSWERS, onTheCopy } from './clone.ts'

export type DialTrouble = 'self' | 'clone' | 'unreachable' | 'refused' | 'wrong-network-secret'

/** The state to show for a dial that failed with `error`, and why. `place` is what was dialled. */
export function explainDialError(error: unknown, place: string): { state: DialTrouble; why: string } {
  const texts = allMessages(error)
  const has = (pattern: RegExp) => texts.some((text) => pattern.test(text))
  if (texts.includes(COPY_ANSWERS))
    return { state: 'clone', why: `at ${place} answers a host with the same identity as this one: ${onTheCopy}` }
  if (has(/dial self/i)) return { state: 'self', why: 'it is this host itself' }
  if (has(/handshake stage [0-9] validation fail/))
    return {
      state: 'wrong-network-secret',
      why: `${place} answers, but with another network_secret (or none): make it the same on all hosts`,
    }
  if (has(/ECONNREFUSED/))
    return { state: 'unreachable', why: `nothing listens at ${place}: is isosyncd running there, on this port?` }
  if (has(/EHOSTUNREACH|ENETUNREACH/)) return { state: 'unreachable', why: `there is no route to ${place}` }
  if (has(/ENETDOWN|EADDRNOTAVAIL/)) return { state: 'unreachable', why: `this host has no network to ${place}` }
  if (has(/time(d )?out|ETIMEDOUT|aborted/i))
    return {
      state: 'unreachable',
      why: `${place} does not answer: is it up, and does the firewall let the port through?`,
    }
  return {
    state: 'refused',
    why: `${place} closed the connection: does its known_hosts name this host, and is it isosyncd that listens there? (${texts[0] ?? 'no reason given'})`,
  }
}

function allMessages(error: unknown): string[] {
  if (!(error instanceof Error)) return [String(error)]
  const inner = [...(error instanceof AggregateError ? (error.errors as unknown[]) : []), error.cause]
  return [error.message, ...inner.filter((e) => e !== undefined).flatMap(allMessages)]
}
