// What the service manager has opened: kept by every worker, so that a supervisor which workers bring up has it as well.
import type { AddressSockets } from '../listen/address-sockets.ts'
import { InheritedSockets } from '../listen/inherited/inherited-sockets.ts'
import {
  type InheritedSocket,
  inheritedAt,
  takeInheritedSockets,
} from '../listen/inherited/take-inherited.ts'
import type { KeptSocket } from '../supervisor/spawned-worker.ts'
import { isDatagramHandle } from '../wire/datagram-handle.ts'
import { addressKey, type KeptPlace, type ListenAddress, unixPrefix } from '../wire/messages.ts'
import { inodeOf } from '../wire/socket-inode.ts'

/** In place of an app's name, which is never empty: any app may ask for them, also one that is stopped or yet to come. */
const anyApp = ''

export class GivenSockets {
  /** For workers to keep, and for a successor. */
  readonly kept: readonly KeptSocket[]
  readonly #sockets: InheritedSockets

  private constructor(sockets: readonly InheritedSocket[]) {
    this.#sockets = new InheritedSockets(sockets)
    this.kept = sockets.map(({ address, socket }, slot) => ({
      app: anyApp,
      key: addressKey(address),
      slot,
      socket,
    }))
  }

  /** For a supervisor that the service manager has started. */
  static ofManager(env: NodeJS.ProcessEnv, notice: (text: string) => void): GivenSockets {
    return new GivenSockets(takeInheritedSockets(env, process.pid, notice))
  }

  /** For one that goes on in place of another, which has left these, and those of its apps. */
  static among(left: readonly KeptSocket[]): GivenSockets {
    const inherited = left.filter(isGiven).flatMap(({ key, socket }) => {
      if (isDatagramHandle(socket)) return [] // none is ever taken
      const path = key.startsWith(unixPrefix) ? key.slice(unixPrefix.length) : undefined
      return [inheritedAt(path, socket)]
    })
    return new GivenSockets(inherited)
  }

  open(address: ListenAddress): AddressSockets | undefined {
    return this.#sockets.open(address)
  }

  inodeAt({ key, slot }: KeptPlace): number | undefined {
    const found = this.kept.find((one) => one.key === key && one.slot === slot)
    return found === undefined ? undefined : inodeOf(found.socket)
  }
}

/** Whether it belongs to no app. */
export function isGiven({ app }: KeptPlace): boolean {
  return app === anyApp
}
