import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AbstractStream } from '@libp2p/utils'
import { type Uint8ArrayList } from 'uint8arraylist'
import { type FolderId, type RootHash } from '../../src/base/brand.ts'
import { framed } from '../../src/net/frame-reader.ts'
import { silentLogger } from '../../src/net/node.ts'
import { ChunkReader, PIECE } from '../../src/net/piece-frames.ts'
import { serveRequests } from '../../src/net/piece-streams.ts'
import { encodeRequest, type PiecesRequest } from '../../src/net/pieces-request.ts'
import { settle } from './virtual-clock.ts'

/** libp2p's own queue of a stream, over a muxer that takes `window` bytes and the rest when it is told of more. */
class NarrowStream extends AbstractStream {
  window: number
  readonly sent: Uint8Array[] = []

  constructor(window: number) {
    super({ id: '1', log: silentLogger.forComponent('test'), direction: 'inbound' })
    this.window = window
  }

  sendData(data: Uint8ArrayList): { sentBytes: number; canSendMore: boolean } {
    const sentBytes = Math.min(this.window, data.byteLength)
    this.window -= sentBytes
    if (sentBytes > 0) this.sent.push(data.slice(0, sentBytes))
    return { sentBytes, canSendMore: sentBytes === data.byteLength }
  }

  widen(bytes: number): void {
    this.window += bytes
    this.safeDispatchEvent('drain')
  }

  request(request: PiecesRequest): void {
    this.onData(framed(encodeRequest(request)))
  }

  sendReset(): void {}
  sendPause(): void {}
  sendResume(): void {}
  async sendCloseWrite(): Promise<void> {}
  async sendCloseRead(): Promise<void> {}
}

/** Bytes of pieces that have been sent. */
function pieceBytes(stream: NarrowStream): number {
  let total = 0
  const reader = new ChunkReader({ header: () => {}, bytes: (bytes) => void (total += bytes.byteLength) })
  for (const bytes of stream.sent) reader.push(bytes)
  return total
}

function serving(window: number): NarrowStream {
  const stream = new NarrowStream(window)
  const servePiece = async () => ({ bytes: Buffer.alloc(LENGTH, PIECE), release: () => {} })
  serveRequests(stream, () => ({
    handlers: { servePiece, servePieceList: () => null },
    limit: () => null,
    countSent: () => {},
    readAheadBytes: () => 4 << 20,
  }))
  return stream
}

const LENGTH = 512 << 10
const FOLDER = 'ab'.repeat(16) as FolderId
const ROOT = 'cd'.repeat(32) as RootHash

test('a stream that ran into its window goes on when there is more of it, and sends everything', async () => {
  // Anything between nothing and all of it may have been sent when the window ends, also in the middle of a message.
  for (const window of [1_000, 70_000, 131_000, 300_000, 500_000]) {
    const stream = serving(window)
    const ordinals = [0, 1, 2, 3]
    stream.request({ type: 'open', folder: FOLDER })
    stream.request({ type: 'pieces', id: 1, root: ROOT, ordinals, lengths: ordinals.map(() => LENGTH) })
    stream.request({ type: 'credit', bytes: 4 * LENGTH })
    await settle()
    assert.ok(pieceBytes(stream) < window)
    stream.widen(16 * LENGTH)
    await settle()
    assert.equal(pieceBytes(stream), 4 * LENGTH, `with a window of ${window} bytes`)
  }
})
