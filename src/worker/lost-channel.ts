// Node's IPC ends with the supervisor that began it; the program goes on and is not to notice.
import { programHoldsChannel } from '../wire/ipc-tap.ts'

/** No timer waits longer; it only keeps the process alive. */
const longest = 2 ** 31 - 1

type Callback = (error: Error | null) => void

/**
 * Between the end of a supervisor and the moment Node notices, what the program sends fails, and without a callback that
 * would end it. While `hides` says so such a message goes to `say`, and the program hears of nothing.
 */
export function keepUnsent(say: (message: unknown) => void, hides: () => boolean): void {
  const send = process.send?.bind(process) as ((...args: unknown[]) => boolean) | undefined // one of its overloads
  if (send === undefined) return
  process.send = (message: unknown, ...rest: unknown[]): boolean => {
    const callback = callbackOf(rest)
    const [handle, options] = rest
    return send(message, isHandle(handle) ? handle : undefined, isHandle(options) ? options : undefined, sent)

    function sent(error: Error | null): void {
      const isHidden = error !== null && hides()
      if (isHidden && !isHandle(handle)) {
        say(message)
        callback?.(null)
      } else if (callback !== undefined) callback(error)
      else if (error !== null && !isHidden) process.emit('error' as never, error as never) // as Node does
    }
  }
}

function callbackOf(rest: readonly unknown[]): Callback | undefined {
  return rest.find((one): one is Callback => typeof one === 'function')
}

function isHandle(one: unknown): boolean {
  return typeof one === 'object' && one !== null
}

/**
 * Gives the program what it had: `process.connected`, and a `process.send` whose messages go to the supervisor by way of
 * `say`. Only handles cannot travel any more. `left` is called when the program closes it.
 */
export function replaceChannel(say: (message: unknown) => void, left: () => void): void {
  const keptAlive = programHoldsChannel() ? setInterval(() => {}, longest) : undefined
  process.connected = true
  process.send = (message: unknown, ...rest: unknown[]): boolean => {
    const callback = callbackOf(rest)
    if (isHandle(rest[0])) {
      const error = new Error('a handle cannot be sent: the supervisor that began this channel is gone')
      process.nextTick(() => callback?.(error))
      return false
    }
    say(message)
    process.nextTick(() => callback?.(null))
    return true
  }
  process.disconnect = () => {
    clearInterval(keptAlive)
    process.connected = false
    left()
    process.nextTick(() => process.emit('disconnect'))
  }
}
