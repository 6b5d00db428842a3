/** How one request ended, as its client saw it. */
import type { Answer } from './answer-reader.ts'

export type Failure = 'reset' | 'refusal' | 'timeout' | 'wrong'

export type Outcome = { is: 'success'; answer: Answer } | { is: Failure; why: string }
