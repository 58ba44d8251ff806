/** Sets of pieces of one content, as bits: 200,000 pieces are 25 kB, and 32 of them are looked at in one step. */

/** What a peer tells about a content: nothing, everything, or a bitmap (bit i of byte i >> 3 is piece i). */
export type Have = { readonly all: true } | { readonly all: false; readonly bitmap: Uint8Array }

export const NOTHING: Have = { all: false, bitmap: new Uint8Array(0) }

export class PieceSet {
  /** Bit i & 31 of word i >> 5 is piece i. Read only, for `common`. */
  readonly words: Uint32Array
  readonly #count: number
  #size = 0

  /** The empty set of a content of `count` pieces. */
  constructor(count: number) {
    this.#count = count
    this.words = new Uint32Array((count + 31) >>> 5)
  }

  static full(count: number): PieceSet {
    const set = new PieceSet(count)
    set.words.fill(0xffffffff)
    if (count % 32 !== 0) set.words[set.words.length - 1] = 2 ** (count % 32) - 1
    set.#size = count
    return set
  }

  /** What a peer told. A bitmap may be shorter than the content (the rest is missing); bits beyond it are ignored. */
  static told(count: number, have: Have): PieceSet {
    if (have.all) return PieceSet.full(count)
    const set = new PieceSet(count)
    for (let i = 0; i < have.bitmap.length && i * 8 < count; i++) {
      const byte = have.bitmap[i]!
      for (let bit = 0; bit < 8; bit++) if ((byte & (1 << bit)) !== 0) set.add(i * 8 + bit)
    }
    return set
  }

  get size(): number {
    return this.#size
  }

  has(ordinal: number): boolean {
    return ((this.words[ordinal >>> 5] ?? 0) & (1 << (ordinal & 31))) !== 0
  }

  /** False if it was in already, or is no piece of this content. */
  add(ordinal: number): boolean {
    if (!Number.isInteger(ordinal) || ordinal < 0 || ordinal >= this.#count || this.has(ordinal)) return false
    this.words[ordinal >>> 5]! |= 1 << (ordinal & 31)
    this.#size++
    return true
  }

  /** False if it was not in. */
  delete(ordinal: number): boolean {
    if (!this.has(ordinal)) return false
    this.words[ordinal >>> 5]! &= ~(1 << (ordinal & 31))
    this.#size--
    return true
  }

  /** Takes out all that another set of the same content has. */
  deleteAll(other: PieceSet): void {
    for (let w = 0; w < this.words.length; w++) {
      this.#size -= bitsIn(this.words[w]! & other.words[w]!)
      this.words[w]! &= ~other.words[w]!
    }
  }

  /** Calls `visit` for each piece, in order. */
  each(visit: (ordinal: number) => void): void {
    common([this], { from: 0, backward: false }, (ordinal) => (visit(ordinal), true))
  }

  /** As the wire has it: bit i of byte i >> 3. */
  bitmap(): Uint8Array {
    const bytes = new Uint8Array((this.#count + 7) >>> 3)
    for (let i = 0; i < bytes.length; i++) bytes[i] = this.words[i >>> 2]! >>> ((i & 3) * 8)
    return bytes
  }
}

/** Calls `visit` for the pieces that all sets have, from word `from` on or from the end backward, until it says false. */
export function common(
  sets: readonly PieceSet[],
  order: { readonly from: number; readonly backward: boolean },
  visit: (ordinal: number) => boolean,
): void {
  const end = sets[0]!.words.length
  for (let i = order.from; i < end; i++) {
    const w = order.backward ? end - 1 - (i - order.from) : i
    let word = commonWord(sets, w)
    while (word !== 0) {
      const bit = order.backward ? 31 - Math.clz32(word) : 31 - Math.clz32(word & -word)
      word &= ~(1 << bit)
      if (!visit(w * 32 + bit)) return
    }
  }
}

/** How many pieces all sets have, from word `from` on. */
export function countCommon(sets: readonly PieceSet[], from: number): number {
  let count = 0
  for (let w = from; w < sets[0]!.words.length; w++) count += bitsIn(commonWord(sets, w))
  return count
}

function commonWord(sets: readonly PieceSet[], w: number): number {
  let word = sets[0]!.words[w]!
  for (let s = 1; s < sets.length && word !== 0; s++) word &= sets[s]!.words[w]!
  return word
}

/** The number of one bits in a 32-bit word (Hacker's Delight, 5-2). */
function bitsIn(word: number): number {
  let n = word - ((word >>> 1) & 0x55555555)
  n = (n & 0x33333333) + ((n >>> 2) & 0x33333333)
  return Math.imul((n + (n >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}
