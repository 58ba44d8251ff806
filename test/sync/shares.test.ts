import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sharesOf } from '../../src/sync/shares.ts'

const COUNT = 2000
const members = ['a', 'b', 'c', 'd', 'e']

function ownerOf(ordinal: number, of: ReturnType<typeof sharesOf>['of']): string {
  const owners = [...of].filter(([, share]) => share.has(ordinal)).map(([member]) => member)
  assert.equal(owners.length, 1, `piece ${ordinal} has one owner`)
  return owners[0]!
}

test('Every piece has one owner, alike for every member and in whatever order they are named', () => {
  const forA = sharesOf(COUNT, 'seed', members, 'a')
  const forC = sharesOf(COUNT, 'seed', members.toReversed(), 'c')
  for (let i = 0; i < COUNT; i++) assert.equal(ownerOf(i, forA.of), ownerOf(i, forC.of))
})

test('Shares are about equal', () => {
  for (const share of sharesOf(COUNT, 'seed', members, 'a').of.values())
    assert.ok(share.size > 320 && share.size < 480, `${share.size} of ${COUNT}`)
})

test('When a member leaves, only its pieces move, each to the one that inherits it', () => {
  const before = sharesOf(COUNT, 'seed', members, 'b')
  const after = sharesOf(COUNT, 'seed', ['a', 'b', 'd', 'e'], 'b')
  for (let i = 0; i < COUNT; i++) {
    const owner = ownerOf(i, before.of)
    if (owner !== 'c') assert.equal(ownerOf(i, after.of), owner)
    else assert.equal(ownerOf(i, after.of) === 'b', before.inherited.has(i))
  }
})

test('Another content has other shares', () => {
  const one = sharesOf(COUNT, 'seed', members, 'a').of.get('a')
  const other = sharesOf(COUNT, 'other', members, 'a').of.get('a')
  assert.notDeepEqual(one?.words, other?.words)
})

test('A single receiver owns everything and inherits nothing', () => {
  const { of, inherited } = sharesOf(100, 'seed', ['a'], 'a')
  assert.equal(of.get('a')?.size, 100)
  assert.equal(inherited.size, 0)
})
