// What every benchmark is: a question, and a run that answers it with figures.

export interface Suite {
  question: string
  /** `words` are the command line's after the suite's name. Ends everything it started before it returns or throws. */
  run(words: readonly string[], signal: AbortSignal): Promise<void>
}
