// Ends a server's accepting so that the program does not notice: brood's doing is not to be taken for its own.
import type { Server } from 'node:net'

type Close = (this: Server, callback?: (error?: Error) => void) => Server

/** Servers that the program has not closed itself, with what gives them their own face back. */
const quiet = new WeakMap<Server, () => void>()

/**
 * Settles when the last connection is gone. Until the program closes the server too, that goes on to say that it listens, and
 * where, and `close` is kept from the program: it would end there what handed-on connections still need.
 */
export function closeQuietly(server: Server, close: Close): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const { emit } = server
  const address = server.address()
  const own = Object.getOwnPropertyDescriptor(server, 'address')
  server.emit = function (this: Server, event: string, ...args: unknown[]): boolean {
    if (event !== 'close') return Reflect.apply(emit, this, [event, ...args])
    resolve()
    return !quiet.has(server) && Reflect.apply(emit, this, [event, ...args])
  } as typeof server.emit
  close.call(server)
  Object.defineProperty(server, 'listening', { value: true, configurable: true })
  server.address = () => address
  quiet.set(server, () => {
    quiet.delete(server)
    Reflect.deleteProperty(server, 'listening')
    if (own === undefined) Reflect.deleteProperty(server, 'address')
    else Object.defineProperty(server, 'address', own)
  })
  return promise
}

/** The program closes it as well; false when it has done so before, or brood has not. */
export function closesAfterAll(server: Server): boolean {
  const uncover = quiet.get(server)
  uncover?.()
  return uncover !== undefined
}
