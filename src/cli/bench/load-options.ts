// From the words of `brood bench` to the load they ask for.
import type { Millis } from '../../kernel/clock.ts'
import { formatDuration, parseDuration } from '../../kernel/duration.ts'
import { BroodError } from '../../kernel/errors.ts'
import type { Load } from './load.ts'

export interface LoadOptions {
  connections: string
  duration?: string
  pipelining: string
  method?: string
  header?: readonly string[]
  body?: string
  short?: boolean
}

/** Answers to HEAD are not here: where they end cannot be seen without knowing what was asked. */
const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']
const shortest: Millis = 100
const longest: Millis = 3_600_000

export function loadOf(url: string, options: LoadOptions, usualDuration: Millis): Load {
  const { body, short = false } = options
  const pipelining = numberOf('-p', options.pipelining, 1000)
  if (short && pipelining > 1)
    throw usage(
      `--short -p ${pipelining}: with a new connection for each request there is only one at a time`,
    )
  return {
    url,
    connections: numberOf('-c', options.connections, 20_000),
    duration: options.duration === undefined ? usualDuration : durationOf(options.duration),
    pipelining,
    method: methodOf(options.method ?? (body === undefined ? 'GET' : 'POST')),
    headers: Object.fromEntries((options.header ?? []).map(headerOf)),
    body,
    short,
  }
}

/** `localhost:3000` and `:3000` are meant as people type them. */
export function urlOf(text: string): URL {
  const full = /^https?:\/\//i.test(text) ? text : `http://${text.startsWith(':') ? 'localhost' : ''}${text}`
  const url = URL.parse(full)
  // Another scheme would have become a host's name.
  if (url === null || /^[a-z][\w+.-]*:\/\//i.test(text.replace(/^https?:\/\//i, '')))
    throw usage(`${text}: write an http or https address, such as http://localhost:3000/path`)
  if (url.port === '0')
    throw usage(`${text}: port 0 is no address; 'brood list' shows the ports of your apps`)
  return url
}

export function numberOf(flag: string, text: string, most: number): number {
  const value = /^\d{1,6}$/.test(text) ? Number(text) : 0
  if (value < 1 || value > most) throw usage(`${flag} ${text}: write a number from 1 to ${most}`)
  return value
}

function durationOf(text: string): Millis {
  // A bare number means seconds to everybody who knows such programs, milliseconds to everybody who knows brood.
  const value = /^\d+$/.test(text) ? undefined : parseDuration(text)
  if (value === undefined) throw usage(`-d ${text}: write a time with its unit, such as 10s`)
  if (value < shortest || value > longest)
    throw usage(`-d ${text}: write a time from ${formatDuration(shortest)} to ${formatDuration(longest)}`)
  return value
}

function methodOf(text: string): string {
  const method = text.toUpperCase()
  if (!methods.includes(method)) throw usage(`-m ${text}: write ${methods.join(', ')}`)
  return method
}

function headerOf(text: string): [string, string] {
  const match = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*[:=]\s*([^\r\n\0]*)$/.exec(text)
  if (match === null) throw usage(`-H ${text}: write 'name: value'`)
  return [match[1] ?? '', match[2] ?? '']
}

function usage(message: string): BroodError {
  return new BroodError('usage', message)
}
