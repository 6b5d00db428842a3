// What a worker tells its primary of its connections.

/** Reserved like the commands of Node's own messages, so that programs never see it. */
export const loadCommand = 'NODE_BROOD_LOAD'

export interface LoadReport {
  readonly cmd: typeof loadCommand
  /** Connections open now. */
  readonly open: number
  /** Connections taken since the worker began. */
  readonly taken: number
}
