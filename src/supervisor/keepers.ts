// The workers of one app as keepers of sockets, its own and other apps': nothing is lost with a supervisor while one lives.
import type { Member } from './crew.ts'
import type { KeptSocket } from './spawned-worker.ts'
import type { AppState } from './state.ts'

export class Keepers {
  readonly #members: ReadonlyMap<number, Member>
  readonly #state: () => AppState

  /** `members` is read whenever one is looked for; it stays the caller's. */
  constructor(members: ReadonlyMap<number, Member>, state: () => AppState) {
    this.#members = members
    this.#state = state
  }

  /** Gives a socket of any app to those who do not keep it yet. */
  keep({ app, key, slot, socket }: KeptSocket): void {
    const name = nameOf(app, key, slot)
    for (const { keeps, process } of this.#members.values()) {
      if (keeps.has(name)) continue
      if (process.sendListener({ type: 'hold', app, key, slot }, socket)) keeps.add(name)
      else process.send({ type: 'lacking' })
    }
  }

  /** From now on there is something that only others have: none of these is to bring the next supervisor up first. */
  lack(): void {
    for (const { process } of this.#members.values()) process.send({ type: 'lacking' })
  }

  /** Tells all to let go of an app's sockets; those asked, who answer with the number `request`. */
  letGo(app: string, keys: readonly string[], request: number): number[] {
    for (const { keeps } of this.#members.values()) {
      for (const name of keeps) if (keys.some((key) => name.startsWith(`${app} ${key} `))) keeps.delete(name)
    }
    // One that has just exited answers no more.
    const living = [...this.#members.values()].filter(({ id }) => this.#state().workers.has(id))
    return living.map(({ id, process }) => {
      process.send({ type: 'let-go', id: request, app, keys: [...keys] })
      return id
    })
  }
}

/** What a worker keeps, by the names that `Member.keeps` has. */
export function namesOf(kept: readonly KeptSocket[]): Set<string> {
  return new Set(kept.map(({ app, key, slot }) => nameOf(app, key, slot)))
}

function nameOf(app: string, key: string, slot: number): string {
  return `${app} ${key} ${slot}`
}
