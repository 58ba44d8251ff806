/**
 * Everything missing is in flight: some of it is asked of a second peer. What a slow peer has under way at once, so that
 * nobody waits for its last pieces; the rest in hurry, or, without other receivers, where little is left.
 */
import { type PickRound, type PickState } from './pick-round.ts'

/** Pieces that are asked of a second source without hurry: at most so many, */
const ENDGAME_PIECES = 8
/** and at most one of so many, so that small contents are not fetched twice. */
const ENDGAME_SHARE = 64
/** Peers that are asked for the same piece. */
const MOST_ASKED = 2

/** The oldest first, each receiver others. */
export function pickTwice(state: PickState, round: PickRound): void {
  const { swarm, deliveries } = state
  const slow = deliveries.slowOf(swarm.peers)
  const most = mostTwice(state, round)
  if (most === 0 && slow.length === 0) return
  const once = state.flights.pieces().filter((ordinal) => round.pieces.has(ordinal) && mayAskToo(state, round, ordinal))
  if (!slow.includes(round.peer)) insteadOf(slow, state, round, once)
  const inherited = once.filter((ordinal) => swarm.shares.inherited.has(ordinal))
  for (const ordinal of new Set([...inherited, ...once]))
    if (round.picked.length >= most || (!round.picked.includes(ordinal) && !round.ask(ordinal))) return
}

/** Of a receiver all that only slow peers were asked for; of a source only our share, others fetch and tell the rest. */
function insteadOf(slow: readonly string[], state: PickState, round: PickRound, once: readonly number[]): void {
  const { swarm, self, flights } = state
  const ours = swarm.receivers.has(round.peer) ? round.pieces : swarm.sharesWithout(slow).of.get(self)!
  const late = once.filter((ordinal) => ours.has(ordinal) && flights.askedFor(ordinal).every((p) => slow.includes(p)))
  for (const ordinal of late) if (!round.ask(ordinal)) return
}

/** What may be asked twice although nobody is slow. */
function mostTwice({ swarm, count, got }: PickState, round: PickRound): number {
  const isLittle = count - got.size <= Math.min(ENDGAME_PIECES, count / ENDGAME_SHARE)
  return swarm.receivers.size === 0 && isLittle ? ENDGAME_PIECES : round.hurried
}

function mayAskToo({ flights }: PickState, round: PickRound, ordinal: number): boolean {
  const asked = flights.askedFor(ordinal)
  return asked.length < MOST_ASKED && !asked.includes(round.peer)
}
