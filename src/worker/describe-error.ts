// What is reported of a thrown value: whatever a program throws, this neither throws nor grows without bound.
import { inspect } from 'node:util'

const longestMessage = 4096
const longestStack = 16_384

export function describeError(thrown: unknown): { name: string; message: string; stack: string } {
  try {
    if (thrown instanceof Error) {
      const { name, message, stack } = thrown
      return {
        name: cut(name, 256),
        message: cut(message, longestMessage),
        stack: cut(stack ?? '', longestStack),
      }
    }
    return { name: 'Thrown', message: cut(inspect(thrown), longestMessage), stack: '' }
  } catch {
    return { name: 'Thrown', message: 'a value that cannot be described', stack: '' } // a getter or proxy that throws
  }
}

function cut(value: unknown, length: number): string {
  return String(value).slice(0, length)
}
