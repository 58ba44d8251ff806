// Copies what tsc leaves behind (such as schema.sql) from src/ to dist/, where the compiled files look for it.
import { cpSync, readdirSync, statSync } from 'node:fs'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const compiled = new Set(['.ts', '.proto'])

for (const name of readdirSync(join(root, 'src'), { recursive: true })) {
  const from = join(root, 'src', name)
  if (statSync(from).isFile() && !compiled.has(extname(name))) cpSync(from, join(root, 'dist', name))
}
