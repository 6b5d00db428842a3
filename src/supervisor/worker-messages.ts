// Checks what a worker says: it runs a stranger's program, which can write to any of its descriptors.
import * as v from 'valibot'
import type { HandlePurpose, WorkerMessage } from '../wire/messages.ts'

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
])

const workerMessage = v.variant('type', [
  v.object({ type: v.literal('hello'), pid: count, node: text }),
  v.object({ type: v.literal('want'), request: count, address }),
  v.object({ type: v.literal('listening'), key }),
  v.object({ type: v.literal('closed'), key }),
  v.object({ type: v.literal('adopted'), key, slot: count, accepting: v.boolean() }),
  v.object({ type: v.literal('ready') }),
  v.object({ type: v.literal('uncaught'), origin: text, name: text, message: text, stack: text }),
  v.object({ type: v.literal('unwritten'), stream: v.picklist(['stdout', 'stderr']), code: text }),
  v.object({ type: v.literal('drained') }),
])

const connection = v.object({ type: v.literal('connection'), key, id: count })

export function asWorkerMessage(value: unknown): WorkerMessage | undefined {
  const result = v.safeParse(workerMessage, value)
  if (!result.success) return undefined
  const message = result.output
  if (message.type !== 'want' || message.address.kind !== 'tcp') return message as WorkerMessage
  return { ...message, address: { ...message.address, host: message.address.host } }
}

export function asConnection(purpose: HandlePurpose): (HandlePurpose & { type: 'connection' }) | undefined {
  const result = v.safeParse(connection, purpose)
  return result.success ? result.output : undefined
}
