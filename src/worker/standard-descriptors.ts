// Programs that write to descriptor 1 or 2 by number (pino does) write to the log too, not to the file it was at their birth.
import type { OutputLines } from './output-lines.ts'

type Args = unknown[]

/** Calls of node:fs that write to these descriptors are served at once, also the asynchronous ones: a log is a plain file. */
export function serveDescriptors(logs: ReadonlyMap<unknown, () => OutputLines>): void {
  const fs = process.getBuiltinModule('node:fs')

  replace('writeSync', (original) => (fd: unknown, ...args: Args) => {
    const bytes = logs.has(fd) ? bytesOf(args) : undefined
    return bytes === undefined ? original(fd, ...args) : deliver(fd, [bytes])
  })
  // These go to the system by themselves, without the function above.
  for (const name of ['writeFileSync', 'appendFileSync'] as const) {
    replace(name, (original) => (fd: unknown, data: unknown, options: unknown) => {
      const bytes = logs.has(fd) ? bytesOf([data, undefined, encodingOf(options)]) : undefined
      return bytes === undefined ? original(fd, data, options) : void deliver(fd, [bytes])
    })
  }
  replace('writevSync', (original) => (fd: unknown, ...args: Args) => {
    const all = logs.has(fd) ? viewsOf(args[0]) : undefined
    return all === undefined ? original(fd, ...args) : deliver(fd, all)
  })
  replace('write', (original) => (fd: unknown, ...args: Args) => {
    const done = args.at(-1)
    const bytes = logs.has(fd) && typeof done === 'function' ? bytesOf(args) : undefined
    if (bytes === undefined || typeof done !== 'function') return original(fd, ...args)
    return process.nextTick(done, null, deliver(fd, [bytes]), args[0])
  })
  replace('writev', (original) => (fd: unknown, ...args: Args) => {
    const done = args.at(-1)
    const all = logs.has(fd) && typeof done === 'function' ? viewsOf(args[0]) : undefined
    if (all === undefined || typeof done !== 'function') return original(fd, ...args)
    return process.nextTick(done, null, deliver(fd, all), args[0])
  })

  function deliver(fd: unknown, all: readonly Uint8Array[]): number {
    const log = logs.get(fd)?.()
    for (const bytes of all) log?.write(bytes)
    return all.reduce((sum, { length }) => sum + length, 0)
  }

  function replace(
    name: 'write' | 'writev' | 'writeSync' | 'writevSync' | 'writeFileSync' | 'appendFileSync',
    make: (original: (...args: Args) => unknown) => (...args: Args) => unknown,
  ): void {
    const original = fs[name] as (...args: Args) => unknown // each takes whatever it is given, and checks it
    const own = Object.getOwnPropertyDescriptors(original) // util.promisify finds there how to name the results
    Object.assign(fs, { [name]: Object.defineProperties(make(original), own) })
  }
}

/** The bytes of `write(fd, buffer[, offset[, length]])`, `(fd, buffer, { offset, length })`, `(fd, string, position, encoding)`. */
function bytesOf([data, first, second]: Args): Uint8Array | undefined {
  if (typeof data === 'string') {
    return Buffer.from(data, typeof second === 'string' && Buffer.isEncoding(second) ? second : 'utf8')
  }
  const view = viewOf(data)
  if (view === undefined) return undefined
  const { offset, length } =
    typeof first === 'object' && first !== null
      ? (first as { offset?: unknown; length?: unknown })
      : { offset: first, length: second }
  const start = typeof offset === 'number' ? offset : 0
  return view.subarray(start, typeof length === 'number' ? start + length : undefined)
}

function encodingOf(options: unknown): unknown {
  return typeof options === 'object' && options !== null && 'encoding' in options ? options.encoding : options
}

function viewsOf(list: unknown): Uint8Array[] | undefined {
  if (!Array.isArray(list)) return undefined
  const views = list.map(viewOf)
  return views.every((view) => view !== undefined) ? views : undefined
}

function viewOf(data: unknown): Uint8Array | undefined {
  return ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : undefined
}
