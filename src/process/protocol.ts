// What a parent and its child say to each other, as types: they guide the compiler and leave nothing at run time.

/**
 * The conversation of one kind of child. Leave out what does not happen.
 * ```ts
 * interface Thumbnails extends Protocol {
 *   toChild: { quality: number }
 *   toParent: { done: string }
 *   childAnswers: { resize(file: string): { width: number; height: number } }
 * }
 * ```
 */
export interface Protocol {
  /** Messages that the parent sends. */
  toChild?: unknown
  /** Messages that the child sends. */
  toParent?: unknown
  /** Requests that the child answers. */
  childAnswers?: object
  /** Requests that the parent answers. */
  parentAnswers?: object
}

/** Any message and any request, for children whose conversation has no type. */
export interface AnyProtocol extends Protocol {
  toChild: unknown
  toParent: unknown
  // biome-ignore lint/suspicious/noExplicitAny: the one type that says "anything goes" in both directions
  childAnswers: Record<string, (value: any) => any>
  // biome-ignore lint/suspicious/noExplicitAny: as above
  parentAnswers: Record<string, (value: any) => any>
}

/** The four directions as one side sees them. */
export interface Side {
  readonly sends: unknown
  readonly receives: unknown
  readonly asks: unknown
  readonly answers: unknown
}

type Part<P extends Protocol, Key extends keyof Protocol> = Key extends keyof P ? P[Key] : never

export interface ParentSide<P extends Protocol> extends Side {
  readonly sends: Part<P, 'toChild'>
  readonly receives: Part<P, 'toParent'>
  readonly asks: Part<P, 'childAnswers'>
  readonly answers: Part<P, 'parentAnswers'>
}

export interface ChildSide<P extends Protocol> extends Side {
  readonly sends: Part<P, 'toParent'>
  readonly receives: Part<P, 'toChild'>
  readonly asks: Part<P, 'parentAnswers'>
  readonly answers: Part<P, 'childAnswers'>
}

export type NameOf<Set> = Extract<keyof Set, string>
export type Question<Set, Name extends keyof Set> = Set[Name] extends (value: infer Value) => unknown
  ? Value
  : never
export type Answer<Set, Name extends keyof Set> = Set[Name] extends (...values: never[]) => infer Value
  ? Awaited<Value>
  : never
