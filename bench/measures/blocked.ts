// Measures what clients of the other workers notice when one worker's event loop blocks again and again.
import { Agent, get } from 'node:http'
import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import type { Running } from '../contestants/launch.ts'
import { processorTime } from '../system/processes.ts'
import { othersPercent, processorUse } from '../system/processor-use.ts'

export const blockedWorkers = 4
/** Milliseconds: one worker blocks for so long, so often. */
export const block = { length: 1000, every: 2000 }
/** Connections a second: far from what the other workers could serve, so that nobody waits for a processor. */
export const arrivals = 150
/** Seconds in which the program's hot code is compiled. */
const warmUp = 2
/** Milliseconds from which on a client is said to have waited. */
const longWait = 100

interface Answered {
  /** When it was due by the plan, and when the answer had come, by the machine's clock. */
  readonly due: number
  readonly done: number
  readonly pid: number
}

interface Block {
  readonly from: number
  readonly to: number
}

/** Latencies are milliseconds from when the connection was due, whatever held it up. */
export interface BlockedRepetition {
  contestant: string
  requests: number
  blocks: number
  failed: number
  /** 99th percentile of all requests of a run of which nobody blocks. */
  undisturbed: number
  /** 99th percentile of what other workers than the blocked one answered, also in its place. */
  others: number
  /** 99th percentile of everything but what the blocked worker had accepted when it began to block. */
  outside: number
  /** The longest of those. */
  longest: number
  /** How many of those waited for 100 ms and more, in a hundred. */
  waitedPercent: number
  /** Of one processor. */
  supervisorPercent: number
  supervisorUndisturbedPercent: number
  /** Percent of one core that other programs on the machine took meanwhile. */
  othersPercent: number
}

export async function measureBlocked(
  running: Running,
  seconds: number,
  signal: AbortSignal,
): Promise<BlockedRepetition> {
  const { supervisor } = running
  if (supervisor === undefined) throw new Error(`${running.contestant.title} has no supervisor to measure`)
  await openLoop(running.port, warmUp, signal)
  const machineBefore = processorUse()
  const usedBefore = running.pids().map(processorTime)
  const calm = await withUse(supervisor, () => openLoop(running.port, seconds, signal))
  const undisturbed = calm.result.answers.map(latency)
  await using blocker = await Blocker.begin(running.port, signal)
  const disturbed = await withUse(supervisor, () => openLoop(running.port, seconds, signal))
  const blocks = await blocker.end()
  const used = sum(running.pids().map(processorTime)) - sum(usedBefore)
  const { answers, failed } = disturbed.result
  const outside = answers.filter((one) => !(one.pid === blocker.pid && blocks.some((each) => met(one, each))))
  return {
    contestant: running.contestant.key,
    requests: answers.length,
    blocks: blocks.length,
    failed,
    undisturbed: percentile(undisturbed, 99),
    others: percentile(answers.filter(({ pid }) => pid !== blocker.pid).map(latency), 99),
    outside: percentile(outside.map(latency), 99),
    longest: Math.max(...outside.map(latency)),
    waitedPercent: (outside.filter((one) => latency(one) >= longWait).length / answers.length) * 100,
    supervisorPercent: disturbed.percent,
    supervisorUndisturbedPercent: calm.percent,
    othersPercent: othersPercent(machineBefore, processorUse(), used),
  }
}

/** It was there before the block began, and had to wait for its end. */
function met({ due, done }: Answered, { from }: Block): boolean {
  return due < from && done > from
}

async function withUse<T>(pid: number, act: () => Promise<T>): Promise<{ result: T; percent: number }> {
  const [used, from] = [processorTime(pid), now()]
  const result = await act()
  return { result, percent: ((processorTime(pid) - used) / 1e6 / (now() - from)) * 100 }
}

/** Has one worker, the one its connection or its cookie is with, block in a steady rhythm. */
class Blocker implements AsyncDisposable {
  readonly pid: number
  readonly #agent: Agent
  readonly #cookie: string
  readonly #ending = new AbortController()
  readonly #blocks: Promise<Block[]>

  private constructor(port: number, agent: Agent, pid: number, cookie: string, signal: AbortSignal) {
    this.#agent = agent
    this.#cookie = cookie
    this.pid = pid
    this.#blocks = this.#run(port, signal)
    this.#blocks.catch(() => {}) // told by `end`
  }

  static async begin(port: number, signal: AbortSignal): Promise<Blocker> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1, timeout: 30_000 })
    const { body, cookie } = await ask(port, '/', agent, '', signal)
    return new Blocker(port, agent, Number(body), cookie, signal)
  }

  end(): Promise<Block[]> {
    this.#ending.abort()
    return this.#blocks
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort()
    this.#agent.destroy()
  }

  async #run(port: number, signal: AbortSignal): Promise<Block[]> {
    const blocks: Block[] = []
    const ending = AbortSignal.any([signal, this.#ending.signal])
    while (!ending.aborted) {
      const next = now() + block.every
      const { body } = await ask(port, `/block/${block.length}`, this.#agent, this.#cookie, signal)
      blocks.push(JSON.parse(body))
      await delay(Math.max(0, next - now()), undefined, { signal: ending }).catch(() => {})
    }
    return blocks
  }
}

interface Told {
  readonly body: string
  /** What the answer sets, as it is sent back; empty when there is none. */
  readonly cookie: string
}

function ask(port: number, path: string, agent: Agent, cookie: string, signal: AbortSignal): Promise<Told> {
  return new Promise((resolve, reject) => {
    const headers = cookie === '' ? {} : { cookie }
    get({ host: '127.0.0.1', port, path, headers, agent, signal }, (response) => {
      const [set = ''] = response.headers['set-cookie'] ?? []
      const told = text(response).then((body) => ({ body, cookie: set.split(';')[0] ?? '' }))
      told.then(resolve, reject)
    }).once('error', reject)
  })
}

/** One connection for each request, at fixed times, whether or not earlier ones have their answer. */
async function openLoop(
  port: number,
  seconds: number,
  signal: AbortSignal,
): Promise<{ answers: Answered[]; failed: number }> {
  const from = now()
  const asked: Promise<Answered>[] = []
  // A signal of so many listeners would cost more than all the rest.
  const open = new Set<Socket>()
  const onAbort = (): void => {
    for (const socket of open) socket.destroy()
  }
  signal.addEventListener('abort', onAbort, { once: true })
  for (let count = 0; count < seconds * arrivals; ) {
    for (const passed = now() - from; count < (passed / 1000) * arrivals; count++)
      asked.push(answered(port, from + (count / arrivals) * 1000, open))
    await delay(1, undefined, { signal })
  }
  const settled = await Promise.allSettled(asked)
  signal.removeEventListener('abort', onAbort)
  signal.throwIfAborted()
  const answers = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  return { answers, failed: settled.length - answers.length }
}

function answered(port: number, due: number, open: Set<Socket>): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' })
    open.add(socket)
    let answer = ''
    socket.setEncoding('latin1')
    socket.on('data', (chunk: string) => {
      answer += chunk
    })
    socket.once('error', reject)
    socket.once('close', () => {
      open.delete(socket)
      const pid = /\r\n\r\n(\d+)\n/.exec(answer)?.[1]
      if (pid === undefined) reject(new Error('no answer'))
      else resolve({ due, done: now(), pid: Number(pid) })
    })
    socket.write('GET / HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n')
  })
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

function latency({ due, done }: Answered): number {
  return done - due
}

function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))] ?? Number.NaN
}

/** Milliseconds of a clock that all processes of the machine share. */
function now(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
