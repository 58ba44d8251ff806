/**
 * Shares: which receiver fetches which piece from the source, so that it leaves the source only once. By rendezvous
 * hashing (Thaler and Ravishankar 1998): each piece goes to the receiver whose hash with it is highest. Hosts that see
 * the same receivers agree without a word, and when one leaves, only its own pieces move: each to its heir.
 */
import { PieceSet } from './piece-set.ts'

export interface Shares {
  /** The pieces of each member: every piece is in exactly one set. */
  readonly of: ReadonlyMap<string, PieceSet>
  /** The pieces that would come to `self` if their owner were not there. */
  readonly inherited: PieceSet
}

/** The shares of `members` (`self` among them, no two alike) in the `count` pieces of the content `seed`. */
export function sharesOf(count: number, seed: string, members: readonly string[], self: string): Shares {
  const sorted = [...members].sort()
  const inherited = new PieceSet(count)
  if (sorted.length === 1) return { of: new Map([[self, PieceSet.full(count)]]), inherited }
  const sets = sorted.map(() => new PieceSet(count))
  const keys = Int32Array.from(sorted, (member) => textHash(`${seed}/${member}`))
  const me = sorted.indexOf(self)
  for (let ordinal = 0; ordinal < count; ordinal++) {
    const [owner, heir] = firstTwo(keys, ordinal)
    sets[owner]!.add(ordinal)
    if (heir === me) inherited.add(ordinal)
  }
  return { of: new Map(sorted.map((member, i) => [member, sets[i]!])), inherited }
}

/** The member that one thing falls to which has no pieces; `seed` is 32 bits that are different for each. */
export function ownerOf(seed: number, members: Iterable<string>): string | null {
  let [owner, best]: [string | null, number] = [null, -1]
  for (const member of members) {
    const score = mixed(textHash(member) ^ seed)
    if (score < best || (score === best && owner !== null && owner < member)) continue
    owner = member
    best = score
  }
  return owner
}

const two: [number, number] = [0, 0]

/** The members with the two highest scores; the earlier one wins a tie. The array is reused. */
function firstTwo(keys: Int32Array, ordinal: number): readonly [number, number] {
  let best = -1
  let next = -1
  const spread = Math.imul(ordinal + 1, 0x9e3779b1)
  for (let m = 0; m < keys.length; m++) {
    const score = mixed(keys[m]! ^ spread)
    if (score > best) {
      next = best
      two[1] = two[0]
      best = score
      two[0] = m
    } else if (score > next) {
      next = score
      two[1] = m
    }
  }
  return two
}

/** MurmurHash3's finaliser: every bit of the input changes half of the output. */
function mixed(input: number): number {
  let h = Math.imul(input ^ (input >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

/** FNV-1a of a text's UTF-16 units. */
function textHash(text: string): number {
  let hash = 0x811c9dc5 | 0
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash
}
