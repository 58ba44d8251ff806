/** How far the other end of a connection is, as its socket knows. */
import { type Socket } from 'node:net'
import { type Connection, type MultiaddrConnection } from '@libp2p/interface'
import { tcpLeastRoundTripUs } from '../base/kernel-counts.ts'

/** libp2p hands out no socket, but the same timeline with the connection that it makes of one. */
const sockets = new WeakMap<MultiaddrConnection['timeline'], Socket>()

export function rememberSocket(connection: MultiaddrConnection, socket: Socket): void {
  sockets.set(connection.timeline, socket)
}

/** In ms; NaN where the kernel cannot tell, or the socket is closed. */
export function tcpRoundTripMs(connection: Connection): number {
  const fd = fdOf(sockets.get(connection.timeline))
  const us = fd === null ? null : tcpLeastRoundTripUs(fd)
  return us === null ? NaN : us / 1000
}

/** Node keeps the descriptor of a socket to itself: on its handle, and negative once that is closed. */
function fdOf(socket: Socket | undefined): number | null {
  const fd = (socket as { _handle?: { fd?: number } | null } | undefined)?._handle?.fd
  return fd === undefined || fd < 0 ? null : fd
}
