// A lifecycle state that throws when anybody writes to it, maps included.
import type { AppState } from '../../../src/supervisor/state.ts'

export function frozen(state: AppState): AppState {
  return deepFreeze({ ...state, workers: new FrozenMap(state.workers) })
}

class FrozenMap<Key, Value> extends Map<Key, Value> {
  #closed = false

  constructor(entries: ReadonlyMap<Key, Value>) {
    super()
    for (const [key, value] of entries) super.set(key, value)
    this.#closed = true
  }

  override set(key: Key, value: Value): this {
    if (this.#closed) throw new TypeError('step writes to the map of the state it was given')
    return super.set(key, value)
  }

  override delete(): boolean {
    throw new TypeError('step deletes from the map of the state it was given')
  }

  override clear(): void {
    throw new TypeError('step clears the map of the state it was given')
  }
}

function deepFreeze<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const inner of value instanceof Map ? value.values() : Object.values(value)) deepFreeze(inner)
  return Object.freeze(value)
}
