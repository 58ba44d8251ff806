/** Collects what the checks of one config file find, so that all of it can be told at once. */
import { type Document, type KeyPath, type Position, showPath } from './document.ts'
import { inFileOrder, type Mistake, showMistake } from './mistake.ts'

export class Findings {
  readonly #file: string
  readonly #document: Document
  readonly #mistakes: Mistake[] = []
  readonly #awaited: Mistake[] = []
  readonly #warnings: Mistake[] = []

  constructor(file: string, document: Document) {
    this.#file = file
    this.#document = document
  }

  /** Something that must be mended before the daemon starts. */
  mistake(path: KeyPath, words: string, position: Position = this.#document.positionOf(path)): void {
    const mistake = this.#finding(path, words, position)
    // One value may break several rules that read the same to people.
    if (!this.#mistakes.some((m) => showMistake(m) === showMistake(mistake))) this.#mistakes.push(mistake)
  }

  /** What the disk does not show, or does not allow: a daemon runs and waits for it, since a disk may come late. */
  awaited(path: KeyPath, words: string): void {
    this.#awaited.push(this.#finding(path, words, this.#document.positionOf(path)))
  }

  /** Something that the operator should know, and no more. */
  warning(path: KeyPath, words: string, position: Position = this.#document.positionOfKey(path)): void {
    this.#warnings.push(this.#finding(path, words, position))
  }

  mistakes(): readonly Mistake[] {
    return inFileOrder(this.#mistakes)
  }

  awaitings(): readonly Mistake[] {
    return inFileOrder(this.#awaited)
  }

  warnings(): readonly Mistake[] {
    return inFileOrder(this.#warnings)
  }

  #finding(path: KeyPath, words: string, { line, column }: Position): Mistake {
    return { file: this.#file, key: withoutSecrets(showPath(path)), text: withoutSecrets(words), line, column }
  }
}

/** A folder's secret that was written at another key must not come to the screen or into the journal. */
function withoutSecrets(words: string): string {
  return words.replace(/[AB][A-Z2-7]{40,}…?/g, '(what looks like a secret)')
}
