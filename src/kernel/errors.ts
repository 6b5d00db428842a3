// The one error type of brood: every failure has a code from this list, and docs/reference/errors.md explains each.

/** Every code with its meaning; docs/reference/errors.md is held to this list by `npm run check`. */
export const errorCodes = {
  usage: 'the command line or an option is not valid',
  no_such_app: 'no app, slot or supervisor of that name',
  app_exists: 'an app of that name is already under supervision',
  not_ready: 'a worker did not become ready: it exited, or its time ran out',
  busy: 'the app is in the middle of another reload, restart or start, or the supervisor is about to end',
  config_not_found: 'the configuration file does not exist, or there is none in the folder',
  config_invalid: 'the configuration file cannot be loaded, or something in it is not valid',
  script_not_found: 'the script to run does not exist or cannot be read',
  port_in_use: 'another program has the port',
  port_denied: 'the user may not bind this port or address',
  user_unknown: 'there is no such user or group on this system',
  not_permitted: 'only root may do this',
  share_mode_unfit: "the app's share mode cannot share what its program listens on",
  address_invalid: 'the address cannot be bound on this machine',
  home_unusable: 'BROOD_HOME cannot be used: not writable, not a directory, or owned by another user',
  disk_full: 'no space left for logs or state',
  no_supervisor: 'no supervisor is running',
  supervisor_running: 'a supervisor is running where a new one was to start',
  supervisor_unreachable: 'the supervisor does not answer or did not start',
  version_mismatch: 'the running supervisor speaks another protocol version',
  bad_request: 'a control request was not understood',
  bad_frame: 'a frame on a control channel was malformed, too large or foreign',
  address_unreachable: 'nobody can be reached at the address to put a load on',
  spawn_failed: 'the operating system refused to start a process',
  command_failed: 'a program ended with another code than 0, or by a signal',
  output_truncated: 'a program printed more than its maxBuffer; the rest was cut off',
  timed_out: 'something took longer than its timeout',
  aborted: 'an AbortSignal ended it',
  no_channel: 'the process was started without a message channel',
  channel_closed: 'the message channel to the other process is closed',
  message_invalid: 'a message cannot be sent: it cannot be serialised, or its form is reserved',
  message_too_large: 'a message is over the size limit',
  messages_unread: 'more messages arrived than the bound of an unread inbox',
  handle_invalid: 'a handle of this kind cannot be sent to another process',
  handle_lost: 'a handle was closed before it could be sent, or did not arrive',
  no_handler: 'the other process answers no request of that name',
  not_introduced: 'two children could not be given a direct channel',
  handler_failed: 'the handler of a request threw an error',
  watch_failed: 'a file or folder cannot be watched for changes',
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
