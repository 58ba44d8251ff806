/**
 * A process of its own that swaps directories for symbolic links and back, as fast as it can: each exchange is one
 * system call, so that there is always one of the two. Arguments: directory, link, directory, link, ...
 */
import { declare, lastErrno, systemError } from '../../src/base/native-library.ts'

const AT_FDCWD = -100
const RENAME_EXCHANGE = 2
/** Rounds between two looks at whether to end. */
const ROUNDS = 200

const renameat2 = declare('int renameat2(int fromDir, const char *from, int toDir, const char *to, unsigned int flags)')

function exchange(one: string, other: string): void {
  if (renameat2()?.(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE) !== 0) throw systemError('renameat2', lastErrno())
}

const words = process.argv.slice(2)
let swaps = 0
let ending = false
process.on('message', () => (ending = true))

function work(): void {
  for (let round = 0; round < ROUNDS; round++)
    for (let i = 0; i + 1 < words.length; i += 2) {
      exchange(words[i] ?? '', words[i + 1] ?? '')
      exchange(words[i] ?? '', words[i + 1] ?? '')
      swaps++
    }
  if (!ending) return void setImmediate(work)
  process.send?.(swaps)
  process.disconnect()
}

process.send?.('ready')
work()
