// Reloads an app for a change of its files; what changes while it cannot be reloaded is one more reload, as soon as it can.
import type { Clock, Millis } from '../../kernel/clock.ts'
import { BroodError } from '../../kernel/errors.ts'

/** Between two tries while a command has the app in hand. */
const pause: Millis = 100

export interface ChangeReload {
  /** A file has changed. */
  changed(): void
  end(): void
}

/** `reload` throws `busy` when something else is going on; any other failure is told by itself, and waits for the next change. */
export function changeReload(reload: () => Promise<void>, clock: Clock): ChangeReload {
  let wanted = false
  let isGoingOn = false
  let isOver = false
  const next = async (): Promise<void> => {
    if (!wanted || isGoingOn || isOver) return
    wanted = false
    isGoingOn = true
    try {
      await reload()
    } catch (error) {
      if (error instanceof BroodError && error.code === 'busy') {
        wanted = true
        await new Promise<void>((resolve) => clock.at(clock.now() + pause, resolve))
      }
    }
    isGoingOn = false
    await next()
  }
  return {
    changed() {
      wanted = true
      void next()
    },
    end() {
      isOver = true
    },
  }
}
