/**
 * Whole clusters on virtual time: a slice of the seeds that CI runs, and those that have once found something. In
 * processes of their own: what a host had under way when its power went out ends in rejections that nobody handles.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('main.ts', import.meta.url))

function sim(...args: string[]) {
  return spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' })
}

test('nothing is lost, invented or left different on any host with a few fixed seeds and those that once failed', () => {
  const { status, stdout, stderr } = sim('--seeds', '12', '--from', '1000', '--kept', '--keep-going')
  assert.equal(status, 0, stdout + stderr)
  assert.match(stdout, /^\d+ seeds passed$/m)
})

test('the same seed gives the same trace, in this process or in another beside it', () => {
  const seeds = ['--only', '4,14,19']
  const [alone, together] = [sim(...seeds, '--jobs', '1'), sim(...seeds, '--jobs', '2')]
  assert.match(alone.stdout, /trace [0-9a-f]{16}/)
  assert.equal(together.stdout, alone.stdout)
})
