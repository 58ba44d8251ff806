/** What libp2p's TCP and yamux leave on the table, put right on the object at hand. Each is a few lines, tested. */
import { Socket } from 'node:net'
import { type MultiaddrConnection, type Stream } from '@libp2p/interface'
import { type Uint8ArrayList } from 'uint8arraylist'
import { directMessages } from './direct-messages.ts'
import { sealedBuffers } from './noise-buffers.ts'
import { rememberSocket } from './tcp-round-trip.ts'

/** A socket takes 16 messages beyond the kernel's buffer before it says stop: fewer stops, bounded memory. */
export const SOCKET_BUFFER_BYTES = 1 << 20

/** What we use of libp2p's TCP connection. */
interface TcpConnection extends MultiaddrConnection {
  socket?: unknown
  sendData?: (data: Uint8ArrayList) => { sentBytes: number; canSendMore: boolean }
  readonly writeBuffer?: Uint8ArrayList
  readonly writeStatus?: string
}

/**
 * One system call for what is sent in one go, which may come in parts: TCP without delay would send a packet for each.
 * When the socket has done with an encrypted message its buffer is used again.
 */
export function tuneConnection(connection: MultiaddrConnection): void {
  const tcp = connection as TcpConnection
  const { socket } = tcp
  if (!(socket instanceof Socket)) return
  rememberSocket(connection, socket)
  const sendData = (data: Uint8ArrayList) => {
    let canSendMore = true
    socket.cork()
    for (const part of data) canSendMore = socket.write(part, () => sealedBuffers.giveBack(part, 0))
    socket.uncork()
    return { sentBytes: data.byteLength, canSendMore }
  }
  tcp.sendData = sendData
  const send = tcp.send.bind(tcp)
  // Where nothing waits, the library's queue is only three copies of a list.
  tcp.send = (data) => {
    const isFree = tcp.writeStatus === 'writable' && !tcp.writableNeedsDrain && tcp.writeBuffer?.byteLength === 0
    if (!isFree || data instanceof Uint8Array) return send(data)
    const { canSendMore } = sendData(data)
    if (!canSendMore) tcp.writableNeedsDrain = true
    return canSendMore
  }
}

/** What we use of a yamux stream. */
interface YamuxStream extends Stream {
  recvWindow?: number
  recvWindowCapacity?: number
  state?: number
  sendWindowUpdate?: () => void
}

/** yamux's numbers for a stream whose opening (or its answer) has been sent. */
const ESTABLISHED_STATES: readonly number[] = [1, 3]

/** yamux tells the window after each frame, a message and a system call for nothing: half of it is soon enough. */
export function tuneStream(stream: Stream): Stream {
  directMessages(stream)
  const yamux = stream as YamuxStream
  const tell = yamux.sendWindowUpdate?.bind(yamux)
  if (tell === undefined) return stream
  yamux.sendWindowUpdate = () => {
    const left = yamux.recvWindowCapacity ?? 0
    if (ESTABLISHED_STATES.includes(yamux.state ?? -1) && left > (yamux.recvWindow ?? 0) / 2) return
    tell()
  }
  return stream
}
