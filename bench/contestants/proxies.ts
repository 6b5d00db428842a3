// Reverse proxies, each in front of its own two upstreams: the bare server, once on each of two ports.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { haproxyConfig } from '../../src/proxy/config-text/haproxy.ts'
import { nginxConfig } from '../../src/proxy/config-text/nginx.ts'
import type { Route } from '../../src/proxy/route.ts'
import { freePort } from '../system/free-port.ts'
import { proxyProgram, serverProgram, standInProgram } from '../system/paths.ts'
import type { Contestant, Place } from './contestant.ts'

/** A program with its arguments, that forwards what the route says. */
type Command = (route: Route, ports: Ports, place: Place) => readonly [string, ...string[]]

interface Ports {
  readonly listen: string
  readonly upstreams: readonly string[]
}

const builtIn = (mode: string): Command => {
  return (_route, { listen, upstreams }) => [
    ...([process.execPath, proxyProgram, '--mode', mode, '--listen', `127.0.0.1:${listen}`] as const),
    ...upstreams.flatMap((port) => ['--to', port]),
  ]
}

const library = (name: string): Command => {
  return (_route, { listen, upstreams }) => [process.execPath, standInProgram, name, listen, ...upstreams]
}

const nginx: Command = (route, _ports, place) => {
  const file = join(place.home, 'nginx.conf')
  writeFileSync(
    file,
    nginxConfig(route).replace(/^http \{\n/m, (line) => `${line}access_log off;\n`),
  )
  return [
    'nginx',
    '-c',
    file,
    '-g',
    `daemon off; pid ${place.home}/pid; error_log stderr crit;`,
    '-e',
    'stderr',
  ]
}

const haproxy: Command = (route, _ports, place) => {
  const file = join(place.home, 'haproxy.cfg')
  writeFileSync(file, haproxyConfig(route))
  return ['haproxy', '-db', '-q', '-f', file]
}

function proxy(key: string, title: string, mode: Route['mode'], command: Command): Contestant {
  return { key, title, shape: 'siblings', start: (place) => startProxy(place, mode, command) }
}

export const proxies: readonly Contestant[] = [
  proxy('built-in-http', 'brood proxy, http', 'http', builtIn('http')),
  proxy('built-in-tcp', 'brood proxy, tcp', 'tcp', builtIn('tcp')),
  proxy('httpxy', 'httpxy', 'http', library('httpxy')),
  proxy('http-proxy-3', 'http-proxy-3', 'http', library('http-proxy-3')),
  proxy('nginx-http', 'nginx, http', 'http', nginx),
  proxy('nginx-tcp', 'nginx, tcp', 'tcp', nginx),
  proxy('haproxy-http', 'HAProxy, http', 'http', haproxy),
  proxy('haproxy-tcp', 'HAProxy, tcp', 'tcp', haproxy),
]

async function startProxy(place: Place, mode: Route['mode'], command: Command) {
  const ports: number[] = []
  for (let slot = 0; slot < place.workers; slot++) ports.push(await freePort())
  const children: ChildProcess[] = []
  const run = async (program: string, args: readonly string[], extra: NodeJS.ProcessEnv): Promise<void> => {
    const env = { ...place.environment, ...extra }
    const child = spawn(program, args, { env, stdio: ['ignore', place.output, place.output] })
    children.push(child)
    await once(child, 'spawn')
  }
  for (const port of ports) await run(process.execPath, [serverProgram], { PORT: String(port) })
  // HAProxy leaves out for a second who does not listen yet.
  await Promise.all(ports.map((port) => answers(port, place.signal)))
  const route: Route = {
    listen: { host: '127.0.0.1', port: place.port },
    ...{ mode, algorithm: 'round-robin' },
    upstreams: ports.map((port, slot) => ({ slot, host: '127.0.0.1', port, weight: 1 })),
  }
  const written = { listen: String(place.port), upstreams: ports.map(String) }
  const [program, ...args] = command(route, written, place)
  await run(program, args, { PATH: [place.environment.PATH, '/usr/sbin', '/sbin'].join(delimiter) })
  return {
    supervisor: undefined,
    async end() {
      await Promise.all(children.map(endChild))
    },
  }
}

async function answers(port: number, signal: AbortSignal): Promise<void> {
  for (;;) {
    try {
      await (await fetch(`http://127.0.0.1:${port}/`, { signal })).text()
      return
    } catch {
      await delay(20, undefined, { signal })
    }
  }
}

async function endChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  await exited
}
