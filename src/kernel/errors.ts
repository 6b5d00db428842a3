// The one error type of brood: every failure has a code from this list, and docs/reference/errors.md explains each.

/** Every code with its meaning; docs/reference/errors.md is held to this list by `npm run check`. */
export const errorCodes = {
  usage: 'the command line or an option is not valid',
  no_such_app: 'no app, slot or supervisor of that name',
  app_exists: 'an app of that name is already under supervision',
  not_ready: 'a worker did not become ready: it exited, or its time ran out',
  busy: 'the app is in the middle of another reload, restart or start',
  script_not_found: 'the script to run does not exist or cannot be read',
  port_in_use: 'another program has the port',
  port_denied: 'the user may not bind this port or address',
  address_invalid: 'the address cannot be bound on this machine',
  home_unusable: 'BROOD_HOME cannot be used: not writable, not a directory, or owned by another user',
  disk_full: 'no space left for logs or state',
  no_supervisor: 'no supervisor is running',
  supervisor_running: 'a supervisor is running where a new one was to start',
  supervisor_unreachable: 'the supervisor does not answer or did not start',
  version_mismatch: 'the running supervisor speaks another protocol version',
  bad_request: 'a control request was not understood',
  bad_frame: 'a frame on a control channel was malformed, too large or foreign',
  spawn_failed: 'the operating system refused to start a process',
  internal: 'a fault in brood itself',
} as const

export type ErrorCode = keyof typeof errorCodes

/** What a user gets told: what happened, to which value, and what to do next. */
export class BroodError extends Error {
  override readonly name = 'BroodError'
  readonly code: ErrorCode
  /** More lines for the reader, such as the last lines a program wrote to stderr. */
  readonly detail: readonly string[]

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; detail?: readonly string[] } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.detail = options.detail ?? []
  }
}

/** The `code` of a Node system error (`EADDRINUSE`, …), or undefined. */
export function systemCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
