// A child process, whatever its birth: its output, its messages, and its end.
import type { ChildProcess } from 'node:child_process'
import { Socket } from 'node:net'
import { Duplex, type Writable } from 'node:stream'
import { type Clock, type Millis, systemClock } from '../kernel/clock.ts'
import { BroodError } from '../kernel/errors.ts'
import type { Handler } from './answers.ts'
import type { Conversation, ConversationLimits, Incoming } from './conversation.ts'
import { type DeathWatch, watchOwnDeath } from './death-watch.ts'
import { endTree, signalTree, type TreeRoot } from './end-tree.ts'
import type { AskedBy, Exit } from './exit.ts'
import { defaultMaxUnread } from './inbox.ts'
import { peerRequest } from './introduction.ts'
import { type Lifetime, limitLifetime } from './lifetime.ts'
import { defaultMaxMessage } from './message-size.ts'
import { checkSignal, checkStop, pathOf, type StopOptions } from './options.ts'
import type { SendOptions } from './outgoing.ts'
import { Output } from './output.ts'
import { converse } from './parent-line.ts'
import type { Answer, AnyProtocol, NameOf, ParentSide, Protocol, Question } from './protocol.ts'
import type { RequestOptions } from './questions.ts'
import { spawnFailure } from './spawn-failure.ts'
import { type Birth, leadsGroup, startProcess } from './start-process.ts'
import { signalProcess } from './tree.ts'

const defaultGrace: Millis = 10_000
const defaultRequestTimeout: Millis = 30_000

type State =
  | { readonly at: 'running'; readonly pid: number }
  | { readonly at: 'exited'; readonly pid: number; readonly exit: Exit }
  | { readonly at: 'failed'; readonly error: BroodError }

interface Ending {
  readonly killAt: Millis
  readonly over: Promise<Exit>
}

/** Made by `spawn`, `fork`, `exec` and `execFile`. `P` types its messages, where it has a channel for them. */
export class Child<P extends Protocol = AnyProtocol> implements AsyncDisposable {
  readonly file: string
  readonly args: readonly string[]
  /** Where it is `'pipe'`. A broken pipe is reported to whoever writes, not thrown. */
  readonly stdin: Writable | undefined
  /** Where it is `'pipe'`. A child whose full pipe nobody reads waits. */
  readonly stdout: Output | undefined
  /** Where it is `'pipe'`. */
  readonly stderr: Output | undefined

  readonly #birth: Birth
  readonly #clock: Clock
  readonly #startedAt: Millis
  readonly #process: ChildProcess | undefined
  readonly #conversation: Conversation<ParentSide<P>> | undefined
  readonly #spawned = Promise.withResolvers<void>()
  readonly #exit = Promise.withResolvers<Exit>()
  readonly #lifetime: Lifetime | undefined
  readonly #watch: DeathWatch | undefined
  #state: State
  #askedBy: AskedBy | undefined
  /** The last signal given by `signal()`. */
  #sent: NodeJS.Signals | undefined
  #ending: Ending | undefined

  /** Use `spawn`, `fork`, `exec` or `execFile`: they check what they are given. */
  constructor(birth: Birth) {
    const { file, args, options } = birth
    this.file = file
    this.args = args
    this.#birth = birth
    this.#clock = options.clock ?? systemClock
    this.#startedAt = this.#clock.now()
    this.#spawned.promise.catch(() => {}) // `exit` says it too

    const { signal } = options
    if (signal?.aborted)
      throw new BroodError('aborted', `'${file}' was not started: its signal is aborted`, {
        cause: signal.reason,
      })
    const watch = options.parentDeath === 'end' ? watchOwnDeath(this.#stopSignal, this.#stopGrace) : undefined
    const started = startProcess(birth)
    if ('failure' in started) {
      watch?.dismiss()
      this.#state = this.#failed(started.failure)
      return
    }
    const { process } = started
    const { pid } = process
    this.#process = process
    process.on('error', (cause) => this.#onError(cause))
    if (pid === undefined) {
      // Why is told in the event that follows.
      watch?.dismiss()
      this.#state = { at: 'failed', error: spawnFailure(file, pathOf(options.cwd), undefined) }
      return
    }
    this.#state = { at: 'running', pid }
    watch?.guard(pid)
    this.#watch = watch
    this.stdin = process.stdin ?? undefined
    this.stdin?.on('error', () => {}) // EPIPE would end this process, when the child had exited first
    this.stdout = process.stdout ? new Output(process.stdout) : undefined
    this.stderr = process.stderr ? new Output(process.stderr) : undefined
    this.#conversation = converse<ParentSide<P>>(process, limitsOf(birth), this.#clock)
    process.once('spawn', () => this.#spawned.resolve())
    process.once('exit', (code, signal) => this.#exited(pid, code, signal))
    this.#lifetime = limitLifetime(process, birth, this.#startedAt, this.#clock, {
      end: (why) => void this.end(why),
      endNow: () => signalTree(this.#root(pid), this.#stopSignal),
    })
  }

  /** Undefined when it could not be started. */
  get pid(): number | undefined {
    return this.#state.at === 'failed' ? undefined : this.#state.pid
  }

  /** Settles when the program runs. Rejects with `spawn_failed`, which says what to do. */
  get spawned(): Promise<void> {
    this.#exit.promise.catch(() => {}) // who waits here is told here
    return this.#spawned.promise
  }

  /** How it ended. Rejects only with `spawn_failed`; unhandled, like any rejection, where nobody waits for the child. */
  get exit(): Promise<Exit> {
    return this.#exit.promise
  }

  get isRunning(): boolean {
    return this.#state.at === 'running'
  }

  /** Can messages be sent? */
  get isConnected(): boolean {
    return this.#conversation?.isOpen ?? false
  }

  /** Settles when no more messages can be sent or come; at once for a child without a channel. */
  get disconnected(): Promise<void> {
    return this.#conversation?.closed ?? Promise.resolve()
  }

  /** The other end of a descriptor from 3 up that is `'pipe'`. */
  pipe(descriptor: number): Duplex | undefined {
    const stream = this.#process?.stdio[descriptor]
    return descriptor > 2 && stream instanceof Duplex ? stream : undefined
  }

  /**
   * Sends a message, with a server or a connection if you like; settles when it is written, so awaiting it keeps a fast
   * sender from filling the memory. Errors: `no_channel`, `channel_closed`, `message_invalid`, `message_too_large`,
   * `handle_invalid`, `handle_lost`.
   */
  async send(message: ParentSide<P>['sends'], options: SendOptions = {}): Promise<void> {
    await this.#channel().send(message, options)
  }

  /**
   * Asks, and gives the answer. Errors: those of `send`, `timed_out`, `aborted`, `no_handler`, and `handler_failed` (a
   * `HandlerError`) when the handler threw.
   */
  request<Name extends NameOf<ParentSide<P>['asks']>>(
    name: Name,
    value: Question<ParentSide<P>['asks'], Name>,
    options: RequestOptions = {},
  ): Promise<Answer<ParentSide<P>['asks'], Name>> {
    // Not an async function: its promise more would cost a tenth of a round trip.
    return this.#conversation?.request(name, value, options) ?? this.#withoutChannel()
  }

  /**
   * What the child sends: `for await (const { message, handle } of child.messages())`. Ends with the channel. Node cannot
   * pause a channel, so `maxUnread` messages wait; of more, the reader gets `messages_unread` and no further ones.
   */
  messages(): AsyncIterableIterator<Incoming<ParentSide<P>['receives']>> & AsyncDisposable {
    return this.#channel().messages()
  }

  /** Answers the child's requests of that name; returns what takes the handler back. */
  answer<Name extends NameOf<ParentSide<P>['answers']>>(
    name: Name,
    handler: Handler<Question<ParentSide<P>['answers'], Name>, Answer<ParentSide<P>['answers'], Name>>,
  ): () => void {
    return this.#channel().answer(name, handler)
  }

  /** For `introduce`: brings one end of a connection to another child. */
  async meet(name: string, connection: Socket): Promise<void> {
    await this.#channel().ask(peerRequest, name, { handle: connection })
  }

  /** Closes the message channel; the child's `process.on('disconnect')` hears of it. */
  disconnect(): void {
    if (this.#process?.connected) this.#process.disconnect()
  }

  /** Signals the process alone, for instance SIGHUP. False when it is gone. Errors: `usage`. */
  signal(signal: NodeJS.Signals): boolean {
    checkSignal(signal)
    this.#sent = signal
    // Not ChildProcess.kill: that marks it as killed whatever the signal was.
    return this.#state.at === 'running' && signalProcess(this.#state.pid, signal)
  }

  /** SIGKILL for the whole tree, now. */
  kill(): Promise<Exit> {
    return this.end('kill', { signal: 'SIGKILL', grace: 0 })
  }

  /**
   * Ends the whole tree: a signal, then SIGKILL after the grace period for what is left. Settles when nothing is left.
   * With a group of its own that includes what an exited child left behind. Errors: `usage`, `spawn_failed`.
   */
  stop(options: StopOptions = {}): Promise<Exit> {
    checkStop(options)
    return this.end('stop', options)
  }

  /** For `exec` and its kind: `stop` with a reason of its own. */
  end(
    askedBy: AskedBy,
    { signal = this.#stopSignal, grace = this.#stopGrace }: StopOptions = {},
  ): Promise<Exit> {
    if (this.#state.at === 'failed') return this.#exit.promise
    const killAt = this.#clock.now() + grace
    if (this.#ending !== undefined && this.#ending.killAt <= killAt) return this.#ending.over
    if (this.#state.at === 'running') this.#askedBy ??= askedBy
    const over = endTree(this.#root(this.#state.pid), signal, grace, this.#clock).then(
      () => this.#exit.promise,
    )
    this.#ending = { killAt, over }
    return over
  }

  /** Lets this process end before the child; also ends the timing of its life by `timeout`. */
  unref(): void {
    this.#refer('unref')
  }

  ref(): void {
    this.#refer('ref')
  }

  /** `await using child = …`: stops it, and gives its pipes back. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#state.at !== 'failed') await this.stop()
    this.stdout?.close()
    this.stderr?.close()
  }

  get #stopSignal(): NodeJS.Signals {
    return this.#birth.options.stop?.signal ?? 'SIGTERM'
  }

  get #stopGrace(): Millis {
    return this.#birth.options.stop?.grace ?? defaultGrace
  }

  #channel(): Conversation<ParentSide<P>> {
    if (this.#conversation !== undefined) return this.#conversation
    if (this.#state.at === 'failed') throw this.#state.error
    throw new BroodError(
      'no_channel',
      `'${this.file}' has no message channel: fork it, or add 'ipc' to its stdio`,
    )
  }

  async #withoutChannel(): Promise<never> {
    this.#channel()
    throw new BroodError('internal', 'a channel appeared after it was missing')
  }

  #root(pid: number): TreeRoot {
    return {
      pid,
      leadsGroup: leadsGroup(this.#birth.options),
      hasExited: () => this.#state.at === 'exited',
      exited: this.#exit.promise,
    }
  }

  #onError(cause: unknown): void {
    // Also raised for what fails later; only a process that never was ends here.
    if (this.#state.at !== 'failed') return
    this.#failed(spawnFailure(this.file, pathOf(this.#birth.options.cwd), cause))
  }

  #failed(error: BroodError): State {
    this.#state = { at: 'failed', error }
    this.#spawned.reject(error)
    this.#exit.reject(error)
    return this.#state
  }

  #exited(pid: number, code: number | null, signal: NodeJS.Signals | null): void {
    const askedBy = this.#askedBy ?? (signal === null ? 'itself' : signal === this.#sent ? 'kill' : 'outside')
    const exit = { code, signal, askedBy, startedAt: this.#startedAt, endedAt: this.#clock.now() }
    this.#state = { at: 'exited', pid, exit }
    this.#lifetime?.over()
    this.#watch?.dismiss()
    this.stdout?.settle()
    this.stderr?.settle()
    this.#exit.resolve(exit)
  }

  #refer(how: 'ref' | 'unref'): void {
    const process = this.#process
    if (process === undefined) return
    process[how]()
    process.channel?.[how]()
    // A pipe waits for its end, and so would this process.
    for (const stream of process.stdio) if (stream instanceof Socket) stream[how]()
    if (how === 'unref') this.#lifetime?.stopTiming()
  }
}

function limitsOf({ options }: Birth): ConversationLimits {
  return {
    serialization: options.serialization ?? 'json',
    maxMessage: options.maxMessage ?? defaultMaxMessage,
    maxUnread: options.maxUnread ?? defaultMaxUnread,
    requestTimeout: options.requestTimeout ?? defaultRequestTimeout,
  }
}
