/** A value that must never reach a log, status, argv or core dump text: it prints as `[secret]` everywhere. */
import { inspect } from 'node:util'

export class Redacted<T> {
  readonly #value: T
  constructor(value: T) {
    this.#value = value
  }
  /** The value itself, for the one place that computes with it. */
  reveal(): T {
    return this.#value
  }
  toString(): string {
    return '[secret]'
  }
  toJSON(): string {
    return '[secret]'
  }
  [inspect.custom](): string {
    return '[secret]'
  }
}
