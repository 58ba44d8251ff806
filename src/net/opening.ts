/**
 * What every host of ours says first, before any cryptography: always the same bytes. Whoever says something else, or
 * nothing, has cost a socket and a timer. libp2p would make a connection, streams, listeners and signals of it, which
 * live for seconds: with a thousand strangers a second that is garbage which is old before it is garbage.
 */
import { type Socket } from 'node:net'
import { type Clock } from '../base/clock.ts'
import * as limits from './limits.ts'

/** multistream-select's lines, which libp2p's callers send in one go, without waiting for an answer. */
export const OPENING = Buffer.from('\x13/multistream/1.0.0\n\x07/noise\n')

/** True when the socket has said it: it can be read again from its beginning. False: drop it, it is no host's. */
export function saysOpening(socket: Socket, clock: Pick<Clock, 'after'>): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  let heard: Buffer = Buffer.alloc(0)
  const end = (isOpening: boolean) => {
    cancel()
    socket.off('readable', look).off('close', over)
    if (isOpening) socket.unshift(heard)
    resolve(isOpening)
  }
  const over = () => end(false)
  const look = () => {
    const more = socket.read() as Buffer | null
    if (more !== null) heard = heard.byteLength === 0 ? more : Buffer.concat([heard, more])
    if (!isLike(heard)) end(false)
    else if (heard.byteLength >= OPENING.byteLength) end(true)
  }
  const cancel = clock.after(limits.OPENING_TIMEOUT_MS, over)
  socket.on('readable', look).on('close', over)
  return promise
}

/** As far as it goes. */
function isLike(heard: Buffer): boolean {
  const bytes = Math.min(heard.byteLength, OPENING.byteLength)
  return heard.compare(OPENING, 0, bytes, 0, bytes) === 0
}
