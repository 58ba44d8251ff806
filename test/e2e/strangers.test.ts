import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sendStrangers } from './strangers.ts'

for (const knownHostsOnly of [true, false]) {
  const what = knownHostsOnly ? 'a daemon for known hosts only' : 'a daemon that lets everybody try'
  test(`thousands of strangers do not keep a known host from ${what}`, async () => {
    const figures = await sendStrangers({
      seconds: 4,
      connectionsPerSecond: 400,
      silent: 200,
      fuzzed: 400,
      knownHostsOnly,
    })
    assert.ok(figures.connections > 500, JSON.stringify(figures))
    assert.ok(figures.memoryGrowthMiB <= 64, JSON.stringify(figures))
    assert.ok(figures.warnings < 200, 'the log is not flooded')
  })
}
