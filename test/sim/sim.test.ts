/**
 * Whole clusters on virtual time: a slice of fixed seeds, and for ever those that have once found something. In a process
 * of its own: what a host had under way when its power went out ends in rejections that nobody handles.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const FIXED_SEEDS = Array.from({ length: 12 }, (_, i) => 1000 + i)
const onceFailed = JSON.parse(readFileSync(new URL('seeds.json', import.meta.url), 'utf8')) as number[]
const main = fileURLToPath(new URL('main.ts', import.meta.url))

function sim(...args: string[]) {
  return spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' })
}

test('nothing is lost, invented or left different on any host with the fixed seeds and those that once failed', () => {
  const seeds = [...new Set([...FIXED_SEEDS, ...onceFailed])]
  const { status, stdout, stderr } = sim('--only', seeds.join(','), '--keep-going')
  assert.equal(status, 0, stdout + stderr)
  assert.match(stdout, new RegExp(`^${seeds.length} seeds passed$`, 'm'))
})

test('the same seed gives the same trace', () => {
  const [once, again] = [sim('--from', '4'), sim('--from', '4')]
  assert.match(once.stdout, /trace [0-9a-f]{16}/)
  assert.equal(again.stdout, once.stdout)
})
