// Finds the app behind an address and asks its supervisor which worker answered how much.
import { lookup } from 'node:dns/promises'
import { BlockList, isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import { frontName } from '../../config/app-spec.ts'
import type { ControlClient } from '../../daemon/control/client.ts'
import { BroodError } from '../../kernel/errors.ts'
import type { ServedReport } from '../../supervisor/served-report.ts'
import { hostOf, portOf } from './reach.ts'

export interface Answerer {
  readonly slot: number
  readonly pid: number
  readonly requests: number
  /** Answers with a status of 500 and more. */
  readonly errors: number
}

/** What is known of who answered, or why nothing is. */
export type WhoAnswered =
  | { readonly app: string; readonly workers: readonly Answerer[] }
  | { readonly app: null; readonly why: string }

/** Finds the app that listens at the address, and has its workers count; or tells why it cannot. */
export async function censusAt(url: URL, client: ControlClient): Promise<Census | { readonly why: string }> {
  try {
    const app = await appAt(url, client)
    return typeof app === 'string' ? await Census.begin(app, client) : app
  } catch (error) {
    // Whatever is wrong with the supervisor, the address can be loaded.
    if (!(error instanceof BroodError)) throw error
    return { why: error.code === 'no_supervisor' ? 'no supervisor is running' : error.message }
  }
}

async function appAt(url: URL, client: ControlClient): Promise<string | { readonly why: string }> {
  if (!(await isThisMachine(hostOf(url)))) return { why: `${hostOf(url)} is another machine` }
  const apps = await client.call('list', {})
  const suffix = `:${portOf(url)}`
  const there = apps.filter(({ addresses }) =>
    addresses.some((address) => !address.startsWith('udp ') && address.endsWith(suffix)),
  )
  // A proxy has the address of the app that it stands in front of, and it is the app's workers that answer.
  const fronts = new Set(there.map(({ name }) => frontName(name)))
  const found = there.filter(({ name }) => !fronts.has(name))
  const [first, second] = found
  if (first === undefined) return { why: `${url.host} is no app of this supervisor` }
  if (second !== undefined)
    return { why: `${found.map(({ name }) => name).join(' and ')} both have port ${portOf(url)}` }
  return first.name
}

/** The workers' counts, taken again and again: one that is replaced meanwhile takes its own with it. */
export class Census {
  readonly app: string
  readonly #client: ControlClient
  /** Of the worker before this load; those that come later begin at nothing. */
  readonly #before = new Map<number, ServedReport>()
  readonly #last = new Map<number, ServedReport>()

  private constructor(app: string, client: ControlClient) {
    this.app = app
    this.#client = client
  }

  static async begin(app: string, client: ControlClient): Promise<Census> {
    const census = new Census(app, client)
    await census.take()
    for (const [pid, report] of census.#last) census.#before.set(pid, report)
    return census
  }

  async take(): Promise<void> {
    const reports = await this.#client.call('served', { app: this.app })
    for (const report of reports) {
      if (report.pid === null) continue
      // Answers may overtake each other.
      const known = this.#last.get(report.pid)
      if (known === undefined || known.requests <= report.requests) this.#last.set(report.pid, report)
    }
  }

  get answerers(): Answerer[] {
    return [...this.#last]
      .map(([pid, { slot, requests, errors }]) => ({
        slot,
        pid,
        requests: requests - (this.#before.get(pid)?.requests ?? 0),
        errors: errors - (this.#before.get(pid)?.errors ?? 0),
      }))
      .toSorted((a, b) => a.slot - b.slot || a.pid - b.pid)
  }
}

async function isThisMachine(host: string): Promise<boolean> {
  const { address } = isIP(host) === 0 ? await lookup(host) : { address: host }
  const own = new BlockList()
  own.addSubnet('127.0.0.0', 8)
  own.addAddress('::1', 'ipv6')
  for (const one of Object.values(networkInterfaces()).flat()) {
    if (one !== undefined) own.addAddress(one.address, one.family === 'IPv6' ? 'ipv6' : 'ipv4')
  }
  return (
    own.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4') || address === '0.0.0.0' || address === '::'
  )
}
