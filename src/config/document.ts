/**
 * The text of a config file as a tree that knows where everything stands. JSON with `//` and block comments and
 * trailing commas, as Resilio reads it.
 */
import {
  findNodeAtLocation,
  getNodeValue,
  type Node,
  type ParseError,
  parseTree,
  printParseErrorCode,
} from 'jsonc-parser'

/** Keys and array indices from the top of the file. */
export type KeyPath = readonly (string | number)[]

/** 1-based. */
export interface Position {
  readonly line: number
  readonly column: number
}

export interface Document {
  /** Plain data; undefined when the text holds no value at all. */
  readonly value: unknown
  readonly syntaxMistakes: readonly { readonly position: Position; readonly text: string }[]
  /** Keys that one object has twice: the second would silently win. */
  readonly repeated: readonly { readonly path: KeyPath; readonly position: Position; readonly firstLine: number }[]
  /** Where the value of `path` begins; where its nearest parent begins if it is not there. */
  positionOf(path: KeyPath): Position
  /** Where the key itself stands. */
  positionOfKey(path: KeyPath): Position
}

export function parseDocument(source: string): Document {
  const text = source.replace(/^\uFEFF/, '')
  const errors: ParseError[] = []
  const root = parseTree(text, errors, { allowTrailingComma: true })
  const at = positions(text)
  const node = (path: KeyPath) => (root === undefined ? undefined : findNodeAtLocation(root, [...path]))
  const positionOf = (path: KeyPath): Position => {
    const found = node(path)
    return found === undefined && path.length > 0 ? positionOf(path.slice(0, -1)) : at(found?.offset ?? 0)
  }
  return {
    value: root === undefined ? undefined : (getNodeValue(root) as unknown),
    syntaxMistakes: errors.map((error) => ({ position: at(error.offset), text: inWords(error) })),
    repeated: root === undefined ? [] : [...repeatedKeys(root, [], at)],
    positionOf,
    positionOfKey: (path) => {
      const key = node(path)?.parent?.children?.[0]
      return key === undefined ? positionOf(path) : at(key.offset)
    },
  }
}

/** `shared_folders[1].secret` */
export function showPath(path: KeyPath): string {
  return path.map((part, i) => (typeof part === 'number' ? `[${part}]` : i === 0 ? part : `.${part}`)).join('')
}

function positions(text: string): (offset: number) => Position {
  return (offset) => {
    const before = text.slice(0, offset)
    return { line: before.split('\n').length, column: offset - before.lastIndexOf('\n') }
  }
}

function* repeatedKeys(
  node: Node,
  path: KeyPath,
  at: (offset: number) => Position,
): Generator<Document['repeated'][number]> {
  const first = new Map<unknown, number>()
  for (const [i, child] of (node.children ?? []).entries()) {
    const [key, value] = child.type === 'property' ? (child.children ?? []) : [undefined, child]
    const name = key === undefined ? i : String(key.value)
    if (key !== undefined) {
      const firstLine = first.get(name)
      if (firstLine !== undefined) yield { path: [...path, name], position: at(key.offset), firstLine }
      else first.set(name, at(key.offset).line)
    }
    if (value !== undefined) yield* repeatedKeys(value, [...path, name], at)
  }
}

const words: Readonly<Record<string, string>> = {
  InvalidSymbol: 'this is no value: text needs double quotes, else true, false or a number',
  InvalidNumberFormat: 'this is no number',
  PropertyNameExpected: 'a key in double quotes is expected here',
  ValueExpected: 'a value is expected here',
  ColonExpected: "a ':' is expected between key and value",
  CommaExpected: "a ',' is missing before this",
  CloseBraceExpected: "a '}' is missing",
  CloseBracketExpected: "a ']' is missing",
  EndOfFileExpected: 'there is more text behind the end of the config',
  InvalidCommentToken: "this is no comment: use '//' or '/* */'",
  UnexpectedEndOfComment: "this comment has no end ('*/')",
  UnexpectedEndOfString: 'this text has no closing double quote on its line',
  UnexpectedEndOfNumber: 'this number ends too early',
  InvalidUnicode: "'\\u' needs four hexadecimal digits",
  InvalidEscapeCharacter: "this is no escape: write '\\\\' for one backslash",
  InvalidCharacter: 'a character that may not stand in text (a tab or line break: write \\t or \\n)',
}

function inWords(error: ParseError): string {
  const name = printParseErrorCode(error.error)
  return words[name] ?? name
}
