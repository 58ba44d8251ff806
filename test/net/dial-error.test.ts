import assert from 'node:assert/strict'
import { test } from 'node:test'
import { explainDialError } from '../../src/net/dial-error.ts'

test('what became of a dial is told by state and in words', () => {
  const cases = [
    [new Error('Can not dial self'), 'self', /this host itself/],
    [new Error('connect ECONNREFUSED 10.0.0.1:1'), 'unreachable', /nothing listens at there:1/],
    [new AggregateError([new Error('x'), new Error('connect EHOSTUNREACH')]), 'unreachable', /no route/],
    [new Error('Connection timeout after 6000ms'), 'unreachable', /firewall/],
    [
      new Error('outer', { cause: new Error('handshake stage 1 validation fail: x') }),
      'wrong-network-secret',
      /make it the same/,
    ],
    [new Error('unexpected end of input'), 'refused', /does its known_hosts name this host/],
    ['no error at all', 'refused', /no error at all/],
  ] as const
  for (const [error, state, why] of cases) {
    const explained = explainDialError(error, 'there:1')
    assert.equal(explained.state, state)
    assert.match(explained.why, why)
  }
})
