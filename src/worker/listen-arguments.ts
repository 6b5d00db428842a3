// The many forms of `server.listen(…)` brought to one; those that brood leaves to Node give undefined.
import { resolve } from 'node:path'

/** What a program asked for. `host` may still be a name, and `path` relative. */
export type ListenRequest = (
  | { kind: 'tcp'; host: string | undefined; port: number; ipv6Only: boolean }
  | { kind: 'unix'; path: string }
) & { backlog: number | undefined; signal: AbortSignal | undefined; callback: (() => void) | undefined }

/**
 * `listen([port[, host]][, backlog][, callback])`, `listen(path[, backlog][, callback])`, `listen(options[, callback])`.
 * Undefined for what must go to Node as it is: descriptors, handles, `exclusive`, and wrong arguments, which Node reports
 * best itself. `reusePort` asks for what brood does anyway.
 */
export function parseListen(args: unknown[]): ListenRequest | undefined {
  const last = args.at(-1)
  const callback = typeof last === 'function' ? (last as () => void) : undefined // Node calls it without arguments
  const [first, second, third] = args
  const common = { callback, signal: undefined }
  const backlog = number(second) ?? number(third)

  if (first === undefined || first === null || typeof first === 'function') {
    return { kind: 'tcp', host: hostOf(second), port: 0, ipv6Only: false, backlog, ...common }
  }
  if (typeof first === 'object') return parseOptions(first, callback, number(second))
  const port = portOf(first)
  if (port !== undefined) {
    return { kind: 'tcp', host: hostOf(second), port, ipv6Only: false, backlog, ...common }
  }
  if (isPath(first)) return { kind: 'unix', path: first, backlog, ...common }
  return undefined
}

function parseOptions(
  options: object,
  callback: (() => void) | undefined,
  backlogArgument: number | undefined,
): ListenRequest | undefined {
  const given = options as Record<string, unknown> // each value is checked where it is used
  const elsewhere = given.fd ?? given._handle ?? given.handle
  if (elsewhere !== undefined || given.exclusive) return undefined
  const signal = given.signal instanceof AbortSignal ? given.signal : undefined
  if (given.signal !== undefined && signal === undefined) return undefined
  const common = { backlog: number(given.backlog) ?? backlogArgument, signal, callback }
  if ('port' in given) {
    const port = given.port === undefined || given.port === null ? 0 : portOf(given.port)
    if (port === undefined) return undefined
    if (given.host && typeof given.host !== 'string') return undefined
    return { kind: 'tcp', host: hostOf(given.host), port, ipv6Only: given.ipv6Only === true, ...common }
  }
  // readableAll and writableAll change the mode of the socket file, which a worker does not own.
  if (isPath(given.path) && !given.readableAll && !given.writableAll) {
    return { kind: 'unix', path: given.path, ...common }
  }
  return undefined
}

/** Without a name: all interfaces, as in Node. */
function hostOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** Node takes every text that is no number for a path; one that the kernel has no room for is refused by Node itself. */
function isPath(value: unknown): value is string {
  const isText = typeof value === 'string' && value !== '' && Number.isNaN(Number(value))
  return isText && absolutePath(value) !== undefined
}

/** The kernel's limit, in bytes. */
const longestPath = 107

/** As the supervisor, whose folder is another, must name it; undefined for what it cannot bind. */
export function absolutePath(path: string): string | undefined {
  if (path.startsWith('\0')) return Buffer.byteLength(path) > longestPath ? undefined : path
  try {
    const absolute = resolve(path)
    return Buffer.byteLength(absolute) > longestPath || absolute.includes('\0') ? undefined : absolute
  } catch {
    return undefined // the folder that it is relative to is gone
  }
}

function portOf(value: unknown): number | undefined {
  if (typeof value !== 'number' && typeof value !== 'string') return undefined
  if (typeof value === 'string' && value.trim() === '') return undefined
  const port = Number(value)
  return Number.isInteger(port) && port >= 0 && port <= 65535 ? port : undefined
}

function number(value: unknown): number | undefined {
  const count =
    typeof value === 'number' ? value : typeof value === 'string' && value !== '' ? Number(value) : Number.NaN
  return Number.isInteger(count) && count > 0 ? count : undefined
}
