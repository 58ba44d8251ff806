import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pretendNoNative } from '../../src/base/native-library.ts'
import { openDiskRoot } from '../../src/fs/disk-root.ts'
import { describeRoot, type Harness } from './root-compliance.ts'

function harness(metaBeside: boolean): Harness {
  const above = fs.mkdtempSync(join(tmpdir(), 'isosyncd-root-'))
  const dir = join(above, 'pool')
  fs.mkdirSync(dir)
  const meta = metaBeside ? { metaDir: join(above, 'meta', 'pool') } : {}
  const root = openDiskRoot({ dir, ...meta, owner: null, group: null, fileMode: null, dirMode: null, minFreeBytes: 0 })
  const at = (path: string) => join(dir, path)
  const makeAbove = (path: string) => fs.mkdirSync(join(at(path), '..'), { recursive: true })
  return {
    root,
    user: {
      write(path, text) {
        makeAbove(path)
        fs.writeFileSync(at(path), text)
      },
      makeDirectory: (path) => void fs.mkdirSync(at(path), { recursive: true }),
      link: (path, target) => fs.symlinkSync(target, at(path)),
      delete: (path) => fs.rmSync(at(path), { recursive: true }),
      rename: (from, to) => fs.renameSync(at(from), at(to)),
      read: (path) => (fs.existsSync(at(path)) ? fs.readFileSync(at(path), 'utf8') : null),
    },
    exchange() {
      fs.mkdirSync(join(above, 'other'), { recursive: true })
      for (const [from, to] of [
        ['pool', 'away'],
        ['other', 'pool'],
        ['away', 'other'],
      ] as const)
        fs.renameSync(join(above, from), join(above, to))
    },
    close: () => fs.rmSync(above, { recursive: true }),
  }
}

describeRoot('DiskRoot', () => harness(false))
describeRoot('DiskRoot with meta_dir beside it', () => harness(true))
describeRoot('DiskRoot without native calls', () => {
  pretendNoNative(true)
  const plain = harness(false)
  return {
    ...plain,
    close() {
      pretendNoNative(false)
      plain.close()
    },
  }
})
