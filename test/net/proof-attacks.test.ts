/** 10,000 attempts in all; `npm run chaos -- proofs` makes as many as it is told. */
import { test } from 'node:test'
import { claimToWrite, relay, sendForeignFrames } from './proof-attacks.ts'

test('without the secret no frames convince anybody: replayed, reflected, forged, downgraded, of another folder', () =>
  sendForeignFrames(8_000))

test('two victims who each talk to someone between them are not convinced by what she passes on', () => relay(1_000))

test('a reader is never taken for a writer, and a proof is never good for another stream', () => claimToWrite(1_000))
