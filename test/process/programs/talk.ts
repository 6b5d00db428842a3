// The protocol of talks.ts.
import type { Protocol } from '../../../src/process/index.ts'

export interface Talk extends Protocol {
  toChild: { n: number }
  toParent: string | number
  childAnswers: {
    echo(value: unknown): unknown
    fail(message: string): never
    wait(value: null): void
    say(count: number): void
    ask(value: number): number
    loop(value: null): void
    exit(code: number): void
    unanswerable(value: null): unknown
    serve(value: null): string
    greet(text: string): string
    datagram(value: null): number | string
    meet(name: string): string
    tell(text: string): void
  }
  parentAnswers: { double(value: number): number }
}
