/** Messages of a folder to and from bytes. Whatever is over a limit or malformed throws ProtocolError. */
import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire'
import { assertNever } from '../base/assert.ts'
import { type FolderMessage, type Have, type PathState } from './peer-port.ts'
import * as limits from './limits.ts'
import {
  bytesOf,
  fromWireRecord,
  integerFrom,
  pathFrom,
  ProtocolError,
  refuse,
  replicaFrom,
  rootFrom,
  rootsFrom,
  toWireRecord,
} from './record-codec.ts'
import {
  type FolderFrame,
  FolderFrameSchema,
  IntroSchema,
  type Stretch as WireStretch,
  type WhereAnswer,
} from './wire_pb.ts'
import { type ReplicaId } from '../base/brand.ts'
import { packPieceList, unpackPieceList } from '../sync/piece-list.ts'
import { type Stretch } from '../sync/stretch.ts'

/** What hosts tell each other of themselves, right after the proof. */
export interface Intro {
  readonly deviceName: string
  readonly site: string | null
  readonly replica: ReplicaId
  readonly listeningPort: number
  readonly program: string
  /** Random, of this folder in this process, in hexadecimal digits: tells a host from a copy with its identity. */
  readonly life: string
}

/** What goes over a folder's stream: the engine's messages, and what the network says for itself. */
export type Frame =
  | { readonly type: 'message'; readonly message: FolderMessage }
  | { readonly type: 'ping' | 'pong'; readonly id: number }
  | { readonly type: 'goodbye'; readonly reason: string }

type FrameBody = NonNullable<MessageInitShape<typeof FolderFrameSchema>['body']>
type Body<Case extends FolderFrame['body']['case']> = Extract<FolderFrame['body'], { case: Case }>

const NO_BYTES = new Uint8Array(0)
const NO_UNKNOWN_FIELDS = { readUnknownFields: false }
const RECORDS_FIELD = 1
const PAGE_RECORDS_FIELD = 3
const PATH_STATES: readonly PathState['state'][] = ['whole', 'partial', 'missing', 'problem']

export function encodeIntro(intro: Intro): Uint8Array {
  const { deviceName, site, listeningPort, program } = intro
  const life = bytesOf(intro.life)
  const common = { deviceName: shortened(deviceName), replica: bytesOf(intro.replica), listeningPort, program, life }
  return toBinary(IntroSchema, create(IntroSchema, site === null ? common : { ...common, site: shortened(site) }))
}

export function decodeIntro(bytes: Uint8Array): Intro {
  const intro = decoded('an INTRO', () => fromBinary(IntroSchema, bytes, NO_UNKNOWN_FIELDS))
  if (intro.listeningPort > 65_535) refuse(`the port ${intro.listeningPort}`)
  return {
    deviceName: textFrom(intro.deviceName),
    site: intro.site === undefined || intro.site === '' ? null : textFrom(intro.site),
    replica: replicaFrom(intro.replica),
    listeningPort: intro.listeningPort,
    program: textFrom(intro.program),
    life: Buffer.from(intro.life).toString('hex'),
  }
}

export function encodeFrame(frame: Frame): Uint8Array {
  return toBinary(FolderFrameSchema, create(FolderFrameSchema, { body: frameBody(frame) }))
}

export function decodeFrame(bytes: Uint8Array): Frame {
  if (bytes.byteLength > limits.MAX_MESSAGE_BYTES) refuse(`a message of ${bytes.byteLength} bytes`)
  checkRecordCount(bytes)
  const { body } = decoded('a message', () => fromBinary(FolderFrameSchema, bytes, NO_UNKNOWN_FIELDS))
  switch (body.case) {
    case 'ping':
    case 'pong':
      return { type: body.case, id: body.value }
    case 'goodbye':
      return { type: 'goodbye', reason: textFrom(body.value) }
    case undefined:
      return refuse('a message of no known kind')
    default:
      return { type: 'message', message: messageFrom(body) }
  }
}

function frameBody(frame: Frame): FrameBody {
  switch (frame.type) {
    case 'message':
      return messageBody(frame.message)
    case 'ping':
    case 'pong':
      return { case: frame.type, value: frame.id }
    case 'goodbye':
      return { case: 'goodbye', value: shortened(frame.reason) }
    default:
      return assertNever(frame)
  }
}

function messageBody(message: FolderMessage): FrameBody {
  switch (message.type) {
    case 'records': {
      const { after, upTo, records } = message
      return {
        case: 'records',
        value: { after: BigInt(after), upTo: BigInt(upTo), records: records.map(toWireRecord) },
      }
    }
    case 'since':
      return { case: 'since', value: BigInt(message.after) }
    case 'stored':
      return { case: 'stored', value: BigInt(message.upTo) }
    case 'want':
      return { case: 'want', value: { root: bytesOf(message.root), wanted: message.wanted } }
    case 'have': {
      const { have, list = NO_BYTES } = message
      const bitmap = have.all ? NO_BYTES : have.bitmap
      return { case: 'have', value: { root: bytesOf(message.root), all: have.all, bitmap, list } }
    }
    case 'gained':
      return { case: 'gained', value: { root: bytesOf(message.root), ordinals: [...message.ordinals] } }
    case 'small-want':
      return { case: 'smallWant', value: { roots: bytesOf(message.roots.join('')), wanted: message.wanted } }
    case 'small-have':
      return { case: 'smallHave', value: { roots: bytesOf(message.roots.join('')) } }
    case 'stretch':
      return { case: 'stretch', value: wireStretch(message.stretch) }
    case 'where':
      return { case: 'where', value: { id: message.id, path: message.path } }
    case 'where-answer':
      return { case: 'whereAnswer', value: { id: message.id, ...wireAnswer(message.answer) } }
    default:
      return assertNever(message)
  }
}

function wireAnswer(answer: PathState) {
  const { state, root, size, percent, detail } = answer
  return {
    state,
    root: bytesOf(root ?? ''),
    size: BigInt(size),
    percent: Math.round(percent),
    detail: shortened(detail),
  }
}

function messageFrom(
  body: Exclude<FolderFrame['body'], { case: 'ping' | 'pong' | 'goodbye' | undefined }>,
): FolderMessage {
  switch (body.case) {
    case 'records':
      return pageFrom(body)
    case 'since':
      return { type: 'since', after: integerFrom(body.value) }
    case 'stored':
      return { type: 'stored', upTo: integerFrom(body.value) }
    case 'want':
      return { type: 'want', root: rootFrom(body.value.root), wanted: body.value.wanted }
    case 'have':
      return { type: 'have', root: rootFrom(body.value.root), have: haveFrom(body), ...toldList(body) }
    case 'gained': {
      const { root, ordinals } = body.value
      if (ordinals.length > limits.MAX_GAINED_ORDINALS) refuse(`${ordinals.length} pieces gained at once`)
      return { type: 'gained', root: rootFrom(root), ordinals }
    }
    case 'smallWant': {
      const roots = rootsFrom(body.value.roots, limits.MAX_SMALL_CONTENTS)
      return { type: 'small-want', roots, wanted: body.value.wanted }
    }
    case 'smallHave':
      return { type: 'small-have', roots: rootsFrom(body.value.roots, limits.MAX_SMALL_CONTENTS) }
    case 'stretch':
      return { type: 'stretch', stretch: stretchFrom(body.value) }
    case 'where':
      return { type: 'where', id: body.value.id, path: pathFrom(body.value.path) }
    case 'whereAnswer':
      return { type: 'where-answer', id: body.value.id, answer: answerFrom(body.value) }
    default:
      return assertNever(body)
  }
}

function pageFrom({ value }: Body<'records'>): FolderMessage {
  const after = integerFrom(value.after)
  const upTo = integerFrom(value.upTo)
  if (upTo < after) refuse(`a page that ends at ${upTo}, before its start ${after}`)
  return { type: 'records', after, upTo, records: value.records.map(fromWireRecord) }
}

function haveFrom({ value }: Body<'have'>): Have {
  if (value.all) return { all: true }
  if (value.bitmap.byteLength > limits.MAX_HAVE_BYTES) refuse(`a bitmap of ${value.bitmap.byteLength} bytes`)
  return { all: false, bitmap: value.bitmap }
}

function toldList({ value: { list } }: Body<'have'>): { readonly list?: Uint8Array } {
  if (list.byteLength > limits.MAX_TOLD_LIST_BYTES) refuse(`a piece list of ${list.byteLength} bytes, unasked`)
  return list.byteLength === 0 ? {} : { list }
}

function wireStretch({ path, fileSize, offset, list }: Stretch) {
  return {
    path,
    fileSize: BigInt(fileSize),
    offset: BigInt(offset),
    bytes: BigInt(list.size),
    list: packPieceList(list),
  }
}

function stretchFrom(wire: WireStretch): Stretch {
  if (wire.list.byteLength > limits.MAX_STRETCH_LIST_BYTES)
    refuse(`a stretch with ${wire.list.byteLength} bytes of list`)
  const list = unpackPieceList(integerFrom(wire.bytes), wire.list)
  if (typeof list === 'string') return refuse(`a wrong piece list of a stretch: ${list}`)
  const [fileSize, offset] = [integerFrom(wire.fileSize), integerFrom(wire.offset)]
  if (list.count === 0 || offset + list.size > fileSize) refuse('a stretch that does not lie in its file')
  return { path: pathFrom(wire.path), fileSize, offset, list }
}

function answerFrom(wire: WhereAnswer): PathState {
  const state = PATH_STATES.find((known) => known === wire.state) ?? refuse('a state of no known kind')
  if (wire.percent > 100) refuse(`${wire.percent} percent`)
  return {
    state,
    root: wire.root.byteLength === 0 ? null : rootFrom(wire.root),
    size: integerFrom(wire.size),
    percent: wire.percent,
    detail: textFrom(wire.detail),
  }
}

/** Counts the records of a page before any is made: a million empty ones would fit in a message. */
function checkRecordCount(bytes: Uint8Array): void {
  decoded('a message', () => {
    const reader = new BinaryReader(bytes)
    while (reader.pos < reader.len) {
      const [field, type] = reader.tag()
      if (field !== RECORDS_FIELD || type !== WireType.LengthDelimited) reader.skip(type)
      else countRecords(reader)
    }
  })
}

function countRecords(reader: BinaryReader): void {
  const length = reader.uint32()
  const end = reader.pos + length
  let count = 0
  while (reader.pos < end) {
    const [field, type] = reader.tag()
    reader.skip(type)
    if (field === PAGE_RECORDS_FIELD && ++count > limits.MAX_RECORDS_PER_PAGE) refuse('a page of too many records')
  }
}

function decoded<T>(what: string, decode: () => T): T {
  try {
    return decode()
  } catch (error) {
    if (error instanceof ProtocolError) throw error
    return refuse(`bytes that are not ${what}`)
  }
}

/** Text for people, from a peer: bounded, and without what could forge a line of a log or move a terminal's cursor. */
function textFrom(text: string): string {
  return shortened(text).replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, '?')
}

function shortened(text: string): string {
  return text.length <= limits.MAX_TEXT_LENGTH ? text : `${text.slice(0, limits.MAX_TEXT_LENGTH - 1)}…`
}
