/**
 * What to ask of a source, in this order, each step only if the one before left room:
 *   1. of the pieces that no receiver has, our own share (shares.ts), in the order of the file
 *   2. of what none has but those that deliver far less than the others, what were our share without them
 *   3. as 1, from the end of the largest share left: its owner is slower than we, or has more than it can pass on
 *   4. when none such are left anywhere: what the receivers have but cannot send fast enough
 * Steps 3 and 4 leave some pieces alone that are most likely on their way to us already, and are not for what nobody
 * waits for: sooner is worth nothing there, and now and then a piece would leave its source twice.
 *
 * A host whose own uplink is slow would take its share and sit on it. So who has fetched much from a source that no
 * other receiver has taken yet, fetches no more: others find that share the largest left, and steal it. Unless all
 * others are far behind: then it is their downlinks that are slow, and nobody is helped by waiting. And where all have
 * fetched much that nobody has taken, the source is faster than all uplinks together: it is to go on, and, when all
 * pieces are somewhere (step 4), to send what the receivers would take longer for.
 */
import { type PickRound, type PickState } from './pick-round.ts'
import { type PeerKey } from './swarm-view.ts'

export function pickFromSource(state: PickState, round: PickRound): void {
  const { shares, levels } = state.swarm
  const rare = levels[0]!
  const most = isFarAhead(state, round) ? Infinity : mostUnspread(state, round) - state.unspread.size
  const own = round.take([rare, shares.of.get(state.self)!], most)
  const instead = insteadOfSlow(state, round, most - own)
  if (state.patient) return
  steal(state, round, most - own - instead)
  if (round.room === 0) return
  const rareLeft = round.openIn(round.pieces, rare) > 0
  if (!rareLeft && receiversAreBusy(state, round)) round.takeParts([], state.open.size - round.underWay)
  if (round.picked.length === 0) round.takeParts([], round.hurried)
}

/** Pieces that only we have fetched, at most. What even the quickest of the others has not passed on yet comes on top. */
function mostUnspread(state: PickState, round: PickRound): number {
  if (state.unspread.size < round.underWay) return round.underWay
  let least = Infinity
  for (const peer of state.swarm.receivers.keys()) least = Math.min(least, alone(state, round, peer))
  return round.underWay + least
}

/** Open pieces that only this receiver has. */
function alone({ swarm }: PickState, round: PickRound, receiver: PeerKey): number {
  const pieces = swarm.piecesOf(receiver)
  return pieces === null ? 0 : round.openIn(swarm.levels[1]!, pieces)
}

/** True without other receivers, or when all have told of some, but far less than half of what we have. */
function isFarAhead({ swarm, got }: PickState, round: PickRound): boolean {
  let most = 0
  for (const peer of swarm.receivers.keys()) most = Math.max(most, swarm.piecesOf(peer)?.size ?? 0)
  return swarm.receivers.size === 0 || (most > 0 && got.size > 2 * most + round.underWay / 2)
}

/** Each receiver that has open pieces is at work for us. */
function receiversAreBusy({ swarm, flights }: PickState, round: PickRound): boolean {
  for (const peer of swarm.receivers.keys()) {
    const pieces = swarm.piecesOf(peer)
    if (pieces !== null && !flights.isBusy(peer) && round.openIn(pieces) > 0) return false
  }
  return true
}

/** Who is slow keeps the others waiting with its share of the source, and with what it alone has. */
function insteadOfSlow({ swarm, deliveries, self }: PickState, round: PickRound, most: number): number {
  if (round.room === 0 || most <= 0) return 0
  const near = [...swarm.receivers.values()].filter((receiver) => receiver.near)
  const slow = deliveries.slowOf(near.map(({ peer }) => peer))
  if (slow.length === 0) return 0
  return round.take([swarm.heldOnlyBy(slow), swarm.sharesWithout(slow).of.get(self)!], most, true)
}

/** From the end of the largest share left, but for what its owner most likely has under way. */
function steal(state: PickState, round: PickRound, most: number): void {
  const { shares, levels } = state.swarm
  if (round.room === 0 || most <= 0 || shares.of.size === 1) return
  const rare = levels[0]!
  const left = [...shares.of].map(([owner, share]) => {
    const isStuck = owner !== state.self && alone(state, round, owner) > round.underWay
    return { share, pieces: round.openIn(rare, share) - (isStuck ? 0 : round.underWay) }
  })
  left.sort((a, b) => b.pieces - a.pieces)
  let room = most
  for (const { share, pieces } of left) room -= round.takeParts([rare, share], Math.min(pieces, room))
}
