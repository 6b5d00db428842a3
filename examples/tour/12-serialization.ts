// What becomes of a value on its way to another process: with JSON, and with the structured clone of 'advanced'.
import { inspect } from 'node:util'
import { BroodError, fork } from 'brood/process'

const value = {
  map: new Map([['a', 1]]),
  date: new Date(0),
  bytes: new Uint8Array([1, 2]),
  nothing: undefined,
}

for (const serialization of ['json', 'advanced'] as const) {
  await using child = fork(new URL('children/echoes.ts', import.meta.url), [], { serialization })
  const messages = child.messages()

  async function thereAndBack(message: unknown): Promise<string> {
    try {
      await child.send(message)
    } catch (error) {
      if (error instanceof BroodError) return error.code
      throw error
    }
    return inspect((await messages.next()).value?.message, { breakLength: Number.POSITIVE_INFINITY })
  }

  console.log(`${serialization}: ${await thereAndBack(value)}`)
  // A function belongs to the memory of one process. JSON leaves it out without a word.
  console.log(`${serialization}, a function: ${await thereAndBack({ call: () => 1 })}`)
}
