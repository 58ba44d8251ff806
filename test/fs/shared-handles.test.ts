import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, renameSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { DirHandle } from '../../src/fs/handles.ts'
import { Layout } from '../../src/fs/layout.ts'
import { SharedHandles } from '../../src/fs/shared-handles.ts'
import { p } from './root-compliance.ts'

let top: string
let closed: number[]

beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'isosyncd-shared-'))
  closed = []
})
afterEach(() => rmSync(top, { recursive: true }))

describe('SharedHandles', () => {
  const handle = (fd: number) => new DirHandle(fd, 'dir', (which) => closed.push(which))

  it('closes a handle when its breath is over and the last who took it has given it back', async () => {
    const handles = new SharedHandles()
    const first = handles.share('dir', handle(7))
    const second = handles.take('dir')
    first[Symbol.dispose]()
    await nextTurn()
    assert.equal(handles.take('dir'), null)
    assert.deepEqual(closed, [])
    second?.[Symbol.dispose]()
    assert.deepEqual(closed, [7])
  })

  it('leaves a second handle of the same directory to the one who opened it', () => {
    const handles = new SharedHandles()
    handles.share('dir', handle(7))
    handles.share('dir', handle(8))[Symbol.dispose]()
    assert.deepEqual(closed, [8])
  })

  it('lends none that was forgotten', () => {
    const handles = new SharedHandles()
    handles.share('dir', handle(7))[Symbol.dispose]()
    handles.forget()
    assert.equal(handles.take('dir'), null)
    assert.deepEqual(closed, [7])
  })
})

describe('Layout', () => {
  it('walks once to a directory that many make places in at once', async () => {
    const anyone = { owner: null, group: null, fileMode: null, dirMode: null, minFreeBytes: 0 }
    const layout = new Layout({ dir: join(top, 'pool'), ...anyone })
    mkdirSync(join(top, 'pool', 'dir'), { recursive: true })
    using staging = await layout.makeStaging()
    const names = ['a', 'b', 'c']
    const places = await Promise.all(names.map((name) => layout.makePlace(p(`dir/${name}`))))
    const stagings = await Promise.all(names.map(() => layout.makeStaging()))
    assert.equal(new Set(places.map(({ dir }) => dir.fd)).size, 1)
    assert.deepEqual(new Set(stagings.map(({ fd }) => fd)), new Set([staging.fd]))
    for (const handle of [...places, ...stagings]) handle[Symbol.dispose]()
  })

  it('walks to a directory anew in the next breath: one that was swapped for a link is not used', async () => {
    const anyone = { owner: null, group: null, fileMode: null, dirMode: null, minFreeBytes: 0 }
    const layout = new Layout({ dir: join(top, 'pool'), ...anyone })
    mkdirSync(join(top, 'pool', 'dir'), { recursive: true })
    using before = layout.place(p('dir/file'))
    using beside = layout.place(p('dir/other'))
    assert.equal(before.dir.fd, beside.dir.fd)
    renameSync(join(top, 'pool', 'dir'), join(top, 'elsewhere'))
    symlinkSync(join(top, 'elsewhere'), join(top, 'pool', 'dir'))
    await nextTurn()
    assert.throws(() => layout.place(p('dir/file')), { code: 'link-in-the-way' })
    assert.equal(statSync(`/proc/self/fd/${before.dir.fd}`).ino, statSync(join(top, 'elsewhere')).ino)
  })
})
