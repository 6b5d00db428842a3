// Node's IPC ends with the supervisor that began it; the program goes on and is not to notice.
import { programHoldsChannel } from '../wire/ipc-tap.ts'

/** No timer waits longer; it only keeps the process alive. */
const longest = 2 ** 31 - 1

type Callback = (error: Error | null) => void

/**
 * Gives the program what it had: `process.connected`, and a `process.send` whose messages go to the supervisor by way of
 * `say`. Only handles cannot travel any more. `left` is called when the program closes it.
 */
export function replaceChannel(say: (message: unknown) => void, left: () => void): void {
  const keptAlive = programHoldsChannel() ? setInterval(() => {}, longest) : undefined
  process.connected = true
  process.send = (message: unknown, ...rest: unknown[]): boolean => {
    const callback = rest.find((one): one is Callback => typeof one === 'function')
    const handle = typeof rest[0] === 'object' ? rest[0] : undefined
    if (handle !== undefined && handle !== null) {
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
