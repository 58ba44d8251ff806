/** What is wrong, or worth a word, in a config file: where, which key, what was expected. Never shows a secret. */
import { type Position } from './document.ts'

export interface Mistake extends Position {
  /** The config file as the operator named it; line 0 means the file as a whole. */
  readonly file: string
  /** Such as `shared_folders[1].secret`; '' for the file as a whole. */
  readonly key: string
  /** A sentence without full stop: what is wrong and what was expected. */
  readonly text: string
}

/** `sync.json:12:5: shared_folders[1].secret: its checksum does not fit: it has a typing error` */
export function showMistake(mistake: Mistake): string {
  const where = mistake.line === 0 ? mistake.file : `${mistake.file}:${mistake.line}:${mistake.column}`
  return mistake.key === '' ? `${where}: ${mistake.text}` : `${where}: ${mistake.key}: ${mistake.text}`
}

/** In the order of the file. */
export function inFileOrder(mistakes: readonly Mistake[]): readonly Mistake[] {
  return mistakes.toSorted((a, b) => a.line - b.line || a.column - b.column)
}
