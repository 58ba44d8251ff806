/** Holds a config document against the schema and says in plain words where it does not fit. */
import { z } from 'zod'
import { type Document, type KeyPath } from './document.ts'
import { type Findings } from './findings.ts'
import { idleValue, meaninglessKey } from './keys.ts'
import { nearest } from './nearest.ts'
import { configSchema, folderSchema, secretKeys, type WrittenConfig } from './schema.ts'

/** Longer values are cut in messages. */
const MAX_SHOWN_CHARACTERS = 60

/** The config with its leaves parsed, or null after having told every mistake. */
export function checkSchema(document: Document, findings: Findings): WrittenConfig | null {
  for (const { path, position, firstLine } of document.repeated) {
    findings.mistake(path, `is given twice (first on line ${firstLine}): only one can count`, position)
  }
  remarkOn(document.value, [], findings)
  const odd = oddLengths(document.value, [])
  if (odd.length > 0) {
    for (const path of odd) tellUnknownKey(path, document, findings)
    return null
  }
  const result = configSchema.safeParse(document.value)
  if (result.success) return result.data
  const serious = result.error.issues.filter((issue) => tell(issue, document, findings))
  return serious.length === 0 ? parseWithoutMeaninglessKeys(document.value) : null
}

/** zod takes what has a length for a list or a text, and fails where that is no number but an object. No key is called so. */
function oddLengths(value: unknown, at: KeyPath): readonly KeyPath[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, below]) => {
    const path = [...at, Array.isArray(value) ? Number(key) : key]
    return key === 'length' && typeof below === 'object' ? [path] : oddLengths(below, path)
  })
}

/** True if the issue was a mistake, false if a warning was enough. */
function tell(issue: z.core.$ZodIssue, document: Document, findings: Findings): boolean {
  const path = issue.path.filter((part) => typeof part !== 'symbol')
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => tellUnknownKey([...path, key], document, findings)).includes(true)
  const value = valueAt(document.value, path)
  const expected = expectationAt(configSchema, path) ?? issue.message
  if (issue.code === 'custom') findings.mistake(path, issue.message)
  else if (value === undefined) findings.mistake(path, `is missing: expected ${expected}`)
  else findings.mistake(path, `expected ${expected}, found ${show(value, path)}`)
  return true
}

function tellUnknownKey(path: KeyPath, document: Document, findings: Findings): boolean {
  const key = String(path.at(-1))
  const meaning = meaninglessKey(key)
  if (meaning !== null) {
    findings.warning(path, `has no effect: ${meaning}`)
    return false
  }
  findings.mistake(path, `is no key that isosyncd knows${suggestion(key, path)}`, document.positionOfKey(path))
  return true
}

function suggestion(key: string, path: KeyPath): string {
  const inFolder = path[0] === 'shared_folders'
  const elsewhere = Object.keys((inFolder ? configSchema : folderSchema).shape)
  if (elsewhere.includes(key)) {
    return inFolder
      ? ' in a folder: it belongs at the top of the file'
      : ' here: it belongs in a folder of shared_folders'
  }
  const here = schemaAt(configSchema, path.slice(0, -1))
  const near = here instanceof z.ZodObject ? nearest(key, Object.keys(here.shape)) : null
  return near === null ? '' : `: did you mean '${near}'?`
}

function remarkOn(value: unknown, path: KeyPath, findings: Findings): void {
  if (typeof value !== 'object' || value === null) return
  for (const [key, child] of Object.entries(value)) {
    const at = [...path, Array.isArray(value) ? Number(key) : key]
    const remark = Array.isArray(value) ? null : idleValue(key, child)
    if (remark !== null) findings.warning(at, remark)
    remarkOn(child, at, findings)
  }
}

/** `value` once more, when all that did not fit were keys that mean nothing here. */
function parseWithoutMeaninglessKeys(value: unknown): WrittenConfig {
  const cleaned: unknown = JSON.parse(JSON.stringify(value), (_key, part: unknown) => {
    if (typeof part !== 'object' || part === null || Array.isArray(part)) return part
    return Object.fromEntries(Object.entries(part).filter(([key]) => meaninglessKey(key) === null))
  })
  return configSchema.parse(cleaned)
}

function expectationAt(schema: z.core.$ZodType, path: KeyPath): string | null {
  for (let here: z.core.$ZodType | null = schemaAt(schema, path, false); here !== null; here = inner(here)) {
    const { description } = here as z.ZodType
    if (description !== undefined) return description
  }
  return null
}

function schemaAt(schema: z.core.$ZodType, path: KeyPath, unwrapLast = true): z.core.$ZodType | null {
  let here: z.core.$ZodType | null = schema
  for (const part of path) {
    here = unwrapped(here)
    if (here instanceof z.ZodObject) here = (here.shape as Record<string, z.ZodType>)[String(part)] ?? null
    else if (here instanceof z.ZodArray) here = here.element
    else return null
  }
  return unwrapLast ? unwrapped(here) : here
}

function unwrapped(schema: z.core.$ZodType | null): z.core.$ZodType | null {
  const within = schema === null ? null : inner(schema)
  return within === null ? schema : unwrapped(within)
}

/** What an optional, defaulted or transformed value is made of; null for a plain one. */
function inner(schema: z.core.$ZodType): z.core.$ZodType | null {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault) return schema.def.innerType
  return schema instanceof z.ZodPipe ? schema.def.in : null
}

function valueAt(value: unknown, path: KeyPath): unknown {
  return path.reduce<unknown>((here, part) => (here as Record<string | number, unknown> | undefined)?.[part], value)
}

function show(value: unknown, path: KeyPath): string {
  if (path.some((part) => secretKeys.includes(String(part))))
    return `${typeof value === 'string' ? 'a text' : kindOf(value)} (not shown)`
  if (typeof value === 'object' && value !== null) return kindOf(value)
  const text = JSON.stringify(value)
  return text.length > MAX_SHOWN_CHARACTERS ? `${text.slice(0, MAX_SHOWN_CHARACTERS)}…` : text
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list'
  return typeof value === 'object' && value !== null ? 'an object' : `a ${typeof value}`
}
