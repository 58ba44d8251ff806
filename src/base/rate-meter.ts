/** Bytes per second over the last few seconds, from counts added as they happen. Time is an argument. */

/** Short enough to follow a change, long enough not to flicker. */
const SPAN_MS = 5_000
const SLOT_MS = 500
const SLOTS = SPAN_MS / SLOT_MS

export class RateMeter {
  readonly #slots = new Float64Array(SLOTS)
  #slot = -1
  #firstMs: number | null = null

  add(bytes: number, nowMs: number): void {
    this.#advance(nowMs)
    this.#firstMs ??= nowMs
    const i = this.#slot % SLOTS
    this.#slots[i] = (this.#slots[i] ?? 0) + bytes
  }

  /** Bytes per second at `nowMs`; 0 before the first byte. */
  rate(nowMs: number): number {
    if (this.#firstMs === null) return 0
    this.#advance(nowMs)
    const spanMs = Math.min(SPAN_MS, Math.max(SLOT_MS, nowMs - this.#firstMs))
    return (this.#slots.reduce((sum, bytes) => sum + bytes, 0) * 1000) / spanMs
  }

  #advance(nowMs: number): void {
    const slot = Math.floor(nowMs / SLOT_MS)
    for (let s = Math.max(this.#slot + 1, slot - SLOTS + 1); s <= slot; s++) this.#slots[s % SLOTS] = 0
    this.#slot = Math.max(this.#slot, slot)
  }
}
