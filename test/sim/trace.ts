/** What happened, line by line: the last of it for people, all of it as one hash, so that two runs can be compared. */
import { createBlake3 } from '../../src/base/blake3.ts'

const LINES_SHOWN = 30

export class Trace {
  readonly #hasher = createBlake3()
  readonly #lines: string[] = []
  readonly #echo: boolean

  constructor(options: { readonly echo: boolean }) {
    this.#echo = options.echo
  }

  add(line: string): void {
    this.#hasher.update(Buffer.from(`${line}\n`))
    this.#lines.push(line)
    if (this.#lines.length > 2 * LINES_SHOWN) this.#lines.splice(0, LINES_SHOWN)
    if (this.#echo) console.log(line)
  }

  last(): readonly string[] {
    return this.#lines.slice(-LINES_SHOWN)
  }

  /** Call once, at the end. */
  digest(): string {
    return this.#hasher.digest().toString('hex').slice(0, 16)
  }
}
