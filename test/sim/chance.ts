/** All chance of a simulation, from one seed (xorshift128, seeded through splitmix32). */
export class Chance {
  readonly #state = new Uint32Array(4)

  constructor(seed: number) {
    let at = seed >>> 0
    for (let i = 0; i < 4; i++) {
      at = (at + 0x9e3779b9) >>> 0
      let z = at
      z = Math.imul(z ^ (z >>> 16), 0x85ebca6b)
      z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35)
      this.#state[i] = (z ^ (z >>> 16)) >>> 0
    }
    for (let i = 0; i < 8; i++) this.#next()
  }

  /** A whole number from 0 to `below` - 1. */
  below(below: number): number {
    return Math.floor((this.#next() / 0x1_0000_0000) * below)
  }

  between(least: number, most: number): number {
    return least + this.below(most - least + 1)
  }

  /** True once in `in` times. */
  oneIn(times: number): boolean {
    return this.below(times) === 0
  }

  pick<T>(from: readonly T[]): T {
    const picked = from[this.below(from.length)]
    if (picked === undefined) throw new Error('nothing to pick from')
    return picked
  }

  bytes(count: number): Uint8Array {
    const words = new Uint32Array(Math.ceil(count / 4))
    for (let i = 0; i < words.length; i++) words[i] = this.#next()
    return new Uint8Array(words.buffer, 0, count)
  }

  #next(): number {
    const state = this.#state
    const [a, d] = [state[0] ?? 0, state[3] ?? 0]
    const t = d ^ (d << 11)
    state[3] = state[2] ?? 0
    state[2] = state[1] ?? 0
    state[1] = a
    state[0] = a ^ (a >>> 19) ^ t ^ (t >>> 8)
    return state[0]
  }
}
