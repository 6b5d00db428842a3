// Checks what a worker says: it runs a stranger's program, which can write to any of its descriptors.
import * as v from 'valibot'
import type { BackMessage, HandlePurpose, WorkerMessage } from '../wire/messages.ts'

const count = v.pipe(v.number(), v.integer(), v.minValue(0))
const text = v.pipe(v.string(), v.maxLength(65_536))
const key = v.pipe(v.string(), v.maxLength(512))

const address = v.variant('kind', [
  v.object({
    kind: v.literal('tcp'),
    host: v.optional(v.pipe(v.string(), v.ip())),
    port: v.pipe(count, v.maxValue(65_535)),
    ipv6Only: v.boolean(),
    ordinal: count,
  }),
  v.object({ kind: v.literal('unix'), path: v.pipe(v.string(), v.minLength(1), v.maxLength(107)) }),
  v.object({
    kind: v.literal('udp'),
    host: v.pipe(v.string(), v.ip()),
    port: v.pipe(count, v.maxValue(65_535)),
    ipv6Only: v.boolean(),
    reuseAddr: v.boolean(),
    ordinal: count,
  }),
])

const workerMessage = v.variant('type', [
  v.object({ type: v.literal('hello'), pid: count, node: text }),
  v.object({ type: v.literal('want'), request: count, address }),
  v.object({
    type: v.literal('listening'),
    key,
    speaksHttp: v.boolean(),
    backlog: v.optional(count),
  }),
  v.object({ type: v.literal('closed'), key }),
  v.object({ type: v.literal('alone') }),
  v.object({ type: v.literal('adopted'), key, slot: count, accepting: v.boolean() }),
  v.object({ type: v.literal('ready') }),
  v.object({ type: v.literal('uncaught'), origin: text, name: text, message: text, stack: text }),
  v.object({ type: v.literal('unwritten'), stream: v.picklist(['stdout', 'stderr']), code: text }),
  v.object({ type: v.literal('rotated'), stream: v.picklist(['stdout', 'stderr']), path: text }),
  v.object({ type: v.literal('drained') }),
  v.object({ type: v.literal('let-go'), id: count }),
  v.object({ type: v.literal('said'), message: v.unknown() }),
  v.object({ type: v.literal('exiting'), code: v.pipe(v.number(), v.integer()) }),
  v.object({ type: v.literal('counted'), requests: count, errors: count }),
  v.object({ type: v.literal('load'), open: count, taken: count }),
  v.object({ type: v.literal('connections'), id: count, open: count, received: count }),
  v.object({ type: v.literal('shed'), id: count, handed: count }),
  v.object({ type: v.picklist(['busy', 'quiet']) }),
  v.object({ type: v.literal('pong'), id: count }),
  v.object({ type: v.literal('probed'), id: count, problem: v.optional(v.pipe(text, v.maxLength(1024))) }),
])

const backMessage = v.object({
  type: v.literal('back'),
  wire: count,
  token: v.pipe(v.string(), v.maxLength(256)),
  app: v.pipe(v.string(), v.maxLength(64)),
  slot: count,
  worker: count,
  release: count,
  pid: count,
  phase: v.picklist(['starting', 'ready', 'draining', 'drained']),
  alone: v.optional(v.boolean()),
  listening: v.array(key),
  adopted: v.array(v.object({ key, slot: count })),
  held: v.array(v.object({ app: v.string(), key, slot: count, inode: v.optional(v.number()) })),
})

const connection = v.object({ type: v.literal('connection'), key, id: count })

const bare = v.object({ type: v.picklist(['client', 'queue']), key })

export function asWorkerMessage(value: unknown): WorkerMessage | undefined {
  const pong = asPong(value)
  if (pong !== undefined) return pong
  const result = v.safeParse(workerMessage, value)
  if (!result.success) return undefined
  const message = result.output
  if (message.type !== 'want' || message.address.kind !== 'tcp') return message as WorkerMessage
  return { ...message, address: { ...message.address, host: message.address.host } }
}

/** Many times a second from each busy worker, and the schema takes as long as all the rest of a round. */
function asPong(value: unknown): WorkerMessage | undefined {
  if (typeof value !== 'object' || value === null || !('type' in value) || !('id' in value)) return undefined
  const { type, id } = value
  return type === 'pong' && typeof id === 'number' && v.is(count, id) ? { type, id } : undefined
}

export function asBackMessage(value: unknown): BackMessage | undefined {
  const result = v.safeParse(backMessage, value)
  return result.success ? result.output : undefined
}

export function asConnection(purpose: HandlePurpose): (HandlePurpose & { type: 'connection' }) | undefined {
  const result = v.safeParse(connection, purpose)
  return result.success ? result.output : undefined
}

/** What comes beside a bare handle. */
export function asBare(purpose: HandlePurpose): (HandlePurpose & { type: 'client' | 'queue' }) | undefined {
  const result = v.safeParse(bare, purpose)
  return result.success ? result.output : undefined
}
