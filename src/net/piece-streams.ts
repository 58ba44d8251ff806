/** Puts the two ends of a stream of pieces (piece-requester.ts, piece-provider.ts) on libp2p streams. */
import { type Connection, type Stream } from '@libp2p/interface'
import { Uint8ArrayList } from 'uint8arraylist'
import { type FolderId } from '../base/brand.ts'
import { FrameReader, framed } from './frame-reader.ts'
import * as limits from './limits.ts'
import { openedBuffers } from './noise-buffers.ts'
import { PeerGone } from './peer-port.ts'
import { MUXER_HEADER_BYTES } from './piece-frames.ts'
import { PieceProvider, type PieceProviderNeeds } from './piece-provider.ts'
import { PieceRequester, type PieceRequesterNeeds } from './piece-requester.ts'
import { decodeRequest, encodeRequest } from './pieces-request.ts'
import { ProtocolError } from './record-codec.ts'
import { tuneStream } from './stream-tuning.ts'

export const PIECES_PROTOCOL = '/isosync/1/pieces'

/** Opens a stream to ask for pieces of `folder`. Rejects when the connection is gone. */
export async function openRequester(
  connection: Connection,
  folder: FolderId,
  needs: Omit<PieceRequesterNeeds, 'send'> & { readonly ended: (error: Error) => void },
): Promise<PieceRequester> {
  const stream = tuneStream(await connection.newStream([PIECES_PROTOCOL]))
  const requester = new PieceRequester({ ...needs, send: batched(stream) })
  const take = (bytes: Uint8Array) => {
    requester.push(bytes)
    // It has copied them, and most fill a whole encrypted message: the next one is decrypted to the same place.
    openedBuffers.giveBack(bytes, MUXER_HEADER_BYTES)
  }
  stream.addEventListener('message', (event) => guarded(stream, () => each(event.data, take)))
  stream.addEventListener('close', (event) => {
    const error = event.error ?? new Error('the stream was closed')
    needs.ended(error)
    requester.gone(new PeerGone(`the connection ended: ${error.message}`, { cause: error }))
  })
  stream.addEventListener('remoteCloseWrite', () => stream.abort(new Error('the other side closed the stream')))
  stream.send(framed(encodeRequest({ type: 'open', folder })))
  return requester
}

/** Requests and credit that are told in one go leave as one message, with one system call. */
function batched(stream: Stream): (request: Uint8Array) => void {
  let waiting = new Uint8ArrayList()
  const flush = () => {
    const batch = waiting
    waiting = new Uint8ArrayList()
    if (stream.status === 'open') guarded(stream, () => stream.send(batch))
  }
  return (request) => {
    if (waiting.byteLength === 0) queueMicrotask(flush)
    waiting.append(framed(request))
  }
}

/**
 * Answers a peer that asks for pieces. `find` gives what is needed to serve the folder that it opens, or null where
 * it has not proven that folder's secret on this connection: then the stream is reset.
 */
export function serveRequests(
  stream: Stream,
  find: (folder: FolderId, stream: Stream) => Omit<PieceProviderNeeds, 'sink' | 'soon'> | null,
): void {
  tuneStream(stream)
  const reader = new FrameReader({ maxBytes: limits.MAX_REQUEST_BYTES })
  let provider: PieceProvider | null = null
  const take = (frame: Uint8Array) => {
    const request = decodeRequest(frame)
    if (request.type !== 'open') return provider?.request(request)
    if (provider !== null) throw new ProtocolError('a stream of pieces that is opened twice')
    const needs = find(request.folder, stream)
    if (needs === null) throw new ProtocolError('pieces were asked for without a proof')
    provider = new PieceProvider({ ...needs, sink: stream, soon: (work) => void setImmediate(work) })
  }
  stream.addEventListener('message', (event) =>
    guarded(stream, () =>
      each(event.data, (bytes) => {
        for (let at = 0; at < bytes.byteLength;) at += reader.read(bytes.subarray(at), take)
      }),
    ),
  )
  const drained = () => guarded(stream, () => provider?.drained())
  stream.addEventListener('drain', drained)
  // The stream says 'idle' in the middle of sending: what it is given there it keeps, and nobody calls it again.
  stream.addEventListener('idle', () => queueMicrotask(drained))
  stream.addEventListener('close', () => provider?.close())
  stream.addEventListener('remoteCloseWrite', () => stream.abort(new Error('the other side closed the stream')))
}

function each(data: Uint8Array | Iterable<Uint8Array>, use: (bytes: Uint8Array) => void): void {
  if (data instanceof Uint8Array) use(data)
  else for (const bytes of data) use(bytes)
}

/** What breaks the protocol, or the stream itself, ends the stream. */
function guarded(stream: Stream, work: () => unknown): void {
  try {
    work()
  } catch (error) {
    stream.abort(error instanceof Error ? error : new Error(String(error)))
  }
}
