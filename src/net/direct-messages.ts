/**
 * libp2p hands bytes on as DOM events, on each of three floors (socket, Noise, yamux): buffered, listed, wrapped and
 * dispatched, 8 µs and 2 KB of garbage each time. Where nothing is buffered and one function listens, which is how it
 * is between handshake and close, it is called directly. In all other cases the library's own way is taken.
 */
import { type MessageStream } from '@libp2p/interface'
import { Uint8ArrayList } from 'uint8arraylist'

type Listener = (event: { readonly data: Uint8ArrayList }) => void

/** What we use of the library's message streams. */
interface Internals {
  readonly readBuffer: Uint8ArrayList
  readonly readStatus: string
  readonly remoteWriteStatus: string
  listenerCount(type: string): number
  addEventListener(type: string, listener: unknown, options?: unknown): void
  removeEventListener(type: string, listener: unknown, options?: unknown): void
  onData(data: Uint8Array | Uint8ArrayList): void
}

export function directMessages(stream: MessageStream): void {
  const own = stream as unknown as Internals
  if (typeof own.onData !== 'function' || own.listenerCount('message') > 0) return // somebody was here before us
  const listeners: { readonly listener: unknown; readonly plain: boolean }[] = []
  const { add, remove, onData } = originals(own)

  own.addEventListener = (type, listener, options) => {
    if (type === 'message' && !listeners.some((known) => known.listener === listener))
      listeners.push({ listener, plain: typeof listener === 'function' && options === undefined })
    add(type, listener, options)
  }
  own.removeEventListener = (type, listener, options) => {
    const at = type === 'message' ? listeners.findIndex((known) => known.listener === listener) : -1
    if (at !== -1) listeners.splice(at, 1)
    remove(type, listener, options)
  }
  own.onData = (data) => {
    const [only] = listeners
    const direct = listeners.length === 1 && only?.plain === true && data.byteLength > 0 && isFlowing(own)
    if (!direct) return onData(data)
    const call = only.listener as Listener
    call({ data: data instanceof Uint8Array ? new Uint8ArrayList(data) : data })
  }
}

function originals(own: Internals) {
  return {
    add: own.addEventListener.bind(own),
    remove: own.removeEventListener.bind(own),
    onData: own.onData.bind(own),
  }
}

/** The same for a stream whose one listener was there before us, and does what `take` does. */
export function takeDirectly(stream: MessageStream, take: (data: Uint8Array | Uint8ArrayList) => void): void {
  const own = stream as unknown as Internals
  if (typeof own.onData !== 'function') return
  const onData = own.onData.bind(own)
  own.onData = (data) => (own.listenerCount('message') === 1 && isFlowing(own) ? take(data) : onData(data))
}

/** Nothing is kept back and nothing ends: what comes is for the listener now. */
function isFlowing(own: Internals): boolean {
  return own.readBuffer.byteLength === 0 && own.readStatus === 'readable' && own.remoteWriteStatus === 'writable'
}
