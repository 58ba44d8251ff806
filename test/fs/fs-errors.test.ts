/** What a disk says at each place where something is written, by the name that the system gives it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { attempt, attemptNow } from '../../src/fs/fs-errors.ts'
import { FsError, type FsErrorCode } from '../../src/fs/root.ts'

function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: it failed, write`), { code, errno: -1, syscall: 'write' })
}

const CASES: readonly { readonly says: string; readonly means: FsErrorCode; readonly words: RegExp }[] = [
  { says: 'ENOSPC', means: 'no-space', words: /disk or quota is full; it goes on when there is room/ },
  { says: 'EDQUOT', means: 'no-space', words: /disk or quota is full; it goes on when there is room/ },
  { says: 'EROFS', means: 'read-only', words: /read-only; it goes on when it can be written again/ },
  { says: 'EIO', means: 'io', words: /the disk or filesystem failed \(EIO\)/ },
  { says: 'EACCES', means: 'denied', words: /permission denied; let the user that isosyncd runs as/ },
  { says: 'EPERM', means: 'denied', words: /permission denied/ },
  { says: 'EXDEV', means: 'io', words: /another filesystem or mount is in between/ },
  { says: 'ELOOP', means: 'link-in-the-way', words: /is not followed/ },
  { says: 'EUNKNOWN', means: 'io', words: /the disk or filesystem failed \(EUNKNOWN\)/ },
]

for (const { says, means, words } of CASES)
  test(`${says} is ${means}, in words for the operator, with the path`, async () => {
    const check = (error: unknown) => {
      assert.ok(error instanceof FsError)
      assert.equal(error.code, means)
      assert.match(error.message, words)
      assert.match(error.message, /^a\/b\.iso: cannot write to it: /)
      assert.equal((error.cause as { code: string }).code, says)
      return true
    }
    await assert.rejects(
      attempt('a/b.iso', 'cannot write to it', () => Promise.reject(systemError(says))),
      check,
    )
    assert.throws(
      () =>
        attemptNow('a/b.iso', 'cannot write to it', () => {
          throw systemError(says)
        }),
      check,
    )
  })
