/**
 * libp2p's TCP, with a gate before it: who may not come in is dropped while the socket is all there is. libp2p asks
 * only after it has made a connection, timers and signals, some 80 KB for ten seconds: a thousand strangers a second
 * would cost as many megabytes.
 */
import { type Server, type Socket } from 'node:net'
import { tcp, type TCPOptions } from '@libp2p/tcp'
import { normaliseAddress } from './address.ts'

/** False: the connection is dropped. The address is normalised. */
export type Admits = (address: string, socket: Socket) => Promise<boolean>

export function gatedTcp(options: TCPOptions, admits: Admits): ReturnType<typeof tcp> {
  const make = tcp(options)
  return (components) => {
    const transport = make(components)
    const createListener = transport.createListener.bind(transport)
    transport.createListener = (listenerOptions) => {
      const listener = createListener(listenerOptions)
      putGateBefore((listener as unknown as { server: Server }).server, admits)
      return listener
    }
    return transport
  }
}

function putGateBefore(server: Server, admits: Admits): void {
  const [enter] = server.listeners('connection') as ((socket: Socket) => void)[]
  if (enter === undefined) throw new Error('isosyncd bug: libp2p listens in another way than it did')
  server.removeAllListeners('connection')
  server.on('connection', (socket: Socket) => {
    const drop = () => void socket.resetAndDestroy()
    // Until libp2p takes it, an error of the socket is nobody's.
    socket.on('error', ignore)
    const letIn = (admitted: boolean) => {
      if (!admitted || socket.destroyed) return drop()
      socket.off('error', ignore)
      enter(socket)
    }
    admits(normaliseAddress(socket.remoteAddress ?? ''), socket).then(letIn, drop)
  })
}

function ignore(): void {}
