/**
 * A libp2p stream as messages, each preceded by its length. First one message at a time is asked for (the proof),
 * then a handler takes them as they come. Ends by itself on whatever breaks the protocol.
 */
import { type Stream } from '@libp2p/interface'
import { Uint8ArrayList } from 'uint8arraylist'
import { FrameReader, framed } from './frame-reader.ts'
import * as limits from './limits.ts'
import { ProtocolError } from './record-codec.ts'
import { tuneStream } from './stream-tuning.ts'

/** What fills an encrypted message waits for nothing more. */
const BATCH_BYTES = 64 * 1024

export interface MessageStreamNeeds {
  /** Counts bytes for rates and limits, with their framing. */
  readonly count: (direction: 'in' | 'out', bytes: number) => void
}

export class MessageStream {
  readonly #stream: Stream
  readonly #needs: MessageStreamNeeds
  readonly #reader = new FrameReader({ maxBytes: limits.MAX_UNPROVEN_FRAME_BYTES })
  /** Bytes that nobody has asked for yet. */
  #held: Uint8Array[] = []
  #heldBytes = 0
  #mayHoldBytes = limits.MAX_UNPROVEN_BYTES
  #waiting: { resolve(frame: Uint8Array): void; reject(error: Error): void } | null = null
  #handler: ((frame: Uint8Array) => void) | null = null
  #ended: Error | null = null
  #unsent = new Uint8ArrayList()
  #onEnd: ((error: Error) => void) | null = null

  constructor(stream: Stream, needs: MessageStreamNeeds) {
    this.#stream = tuneStream(stream)
    this.#needs = needs
    stream.addEventListener('message', (event) => this.#take(event.data))
    stream.addEventListener('close', (event) => this.#end(event.error ?? new Error('the stream was closed')))
    stream.addEventListener('remoteCloseWrite', () => this.close(new Error('the other side closed the stream')))
  }

  /**
   * Sends one message. What is said in one breath goes out together: a message costs less than a packet of its own. A
   * peer that lets too many wait is cut off.
   */
  send(frame: Uint8Array): void {
    if (this.#ended !== null) return
    if (this.#unsent.byteLength === 0) queueMicrotask(() => this.#flush())
    this.#unsent.append(framed(frame))
    if (this.#unsent.byteLength >= BATCH_BYTES) this.#flush()
  }

  #flush(): void {
    const batch = this.#unsent
    if (this.#ended !== null || batch.byteLength === 0) return
    this.#unsent = new Uint8ArrayList()
    this.#needs.count('out', batch.byteLength)
    try {
      this.#stream.send(batch)
    } catch (error) {
      return this.close(asError(error))
    }
    if (this.#stream.writeBufferLength > limits.MAX_QUEUED_MESSAGE_BYTES)
      this.close(new Error('it does not read what is sent to it'))
  }

  /** The next message; rejects when the stream ends first. */
  async next(maxBytes: number): Promise<Uint8Array> {
    this.#reader.allow(maxBytes)
    const frame = new Promise<Uint8Array>((resolve, reject) => (this.#waiting = { resolve, reject }))
    this.#guarded(() => this.#readHeld())
    if (this.#ended !== null) this.#waiting?.reject(this.#ended)
    return frame
  }

  /** The other side has proven itself: it may be ahead of us by some messages. */
  trust(): void {
    this.#mayHoldBytes = 2 * limits.MAX_MESSAGE_BYTES
  }

  /** From now on `handler` gets every message; what it throws ends the stream. */
  listen(maxBytes: number, handler: (frame: Uint8Array) => void): void {
    this.#reader.allow(maxBytes)
    this.#handler = handler
    this.#guarded(() => this.#readHeld())
  }

  /** Tells once when, and why, the stream has ended. */
  onEnd(listener: (error: Error) => void): void {
    if (this.#ended === null) this.#onEnd = listener
    else listener(this.#ended)
  }

  get ended(): boolean {
    return this.#ended !== null
  }

  /** Ends it at once: the other side sees a reset. */
  close(error: Error): void {
    if (this.#ended !== null) return
    this.#end(error)
    this.#stream.abort(error)
  }

  /** Ends it after what was sent has gone out. */
  finish(error: Error): void {
    this.#flush()
    if (this.#ended !== null) return
    this.#end(error)
    const abort = (cause: unknown) => this.#stream.abort(asError(cause))
    this.#stream.close({ signal: AbortSignal.timeout(1_000) }).catch(abort)
  }

  #take(data: Uint8Array | Iterable<Uint8Array>): void {
    if (this.#ended !== null) return
    this.#guarded(() => {
      for (const bytes of data instanceof Uint8Array ? [data] : data) {
        this.#needs.count('in', bytes.byteLength)
        this.#read(bytes)
      }
      if (this.#heldBytes > this.#mayHoldBytes) throw new ProtocolError('messages before their turn')
    })
  }

  /** Reads as long as somebody takes the messages, and holds the rest. */
  #read(bytes: Uint8Array): void {
    let rest = bytes
    while (rest.byteLength > 0 && this.#heldBytes === 0 && (this.#handler ?? this.#waiting) !== null)
      rest = rest.subarray(this.#reader.read(rest, (frame) => this.#frame(frame)))
    if (rest.byteLength === 0) return
    this.#held.push(rest)
    this.#heldBytes += rest.byteLength
  }

  #readHeld(): void {
    const held = this.#held
    this.#held = []
    this.#heldBytes = 0
    for (const bytes of held) this.#read(bytes)
  }

  #frame(frame: Uint8Array): void {
    if (this.#ended !== null) return
    const waiting = this.#waiting
    this.#waiting = null
    if (waiting !== null) waiting.resolve(frame)
    else this.#handler?.(frame)
  }

  #guarded(work: () => void): void {
    try {
      work()
    } catch (error) {
      this.close(asError(error))
    }
  }

  #end(error: Error): void {
    if (this.#ended !== null) return
    this.#ended = error
    this.#waiting?.reject(error)
    this.#onEnd?.(error)
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
