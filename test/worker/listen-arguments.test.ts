// Every form in Node's documentation of `server.listen`, and what must go to Node as it is.
import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import http from 'node:http'
import net from 'node:net'
import { suite, test } from 'node:test'
import { inspect } from 'node:util'
import { type ListenRequest, parseListen } from '../../src/worker/listen-arguments.ts'

const callback = (): void => {}
const { signal } = new AbortController()

const common = { backlog: undefined, signal: undefined, callback: undefined }
const tcp = (
  port: number,
  more: { host?: string; ipv6Only?: boolean } & Partial<typeof commonTypes> = {},
): ListenRequest => ({ kind: 'tcp', host: undefined, ipv6Only: false, ...common, ...more, port })
const unix = (path: string, more: Partial<typeof commonTypes> = {}): ListenRequest => ({
  kind: 'unix',
  ...common,
  ...more,
  path,
})
declare const commonTypes: Pick<ListenRequest, 'backlog' | 'signal' | 'callback'>

type Row = readonly [args: unknown[], request: ListenRequest]

const forms: Record<string, readonly Row[]> = {
  'server.listen([port[, host[, backlog]]][, callback])': [
    [[], tcp(0)],
    [[callback], tcp(0, { callback })],
    [[undefined], tcp(0)],
    [[null], tcp(0)],
    [[undefined, callback], tcp(0, { callback })],
    [[null, callback], tcp(0, { callback })],
    [[0], tcp(0)],
    [[3000], tcp(3000)],
    [[65_535], tcp(65_535)],
    [['3000'], tcp(3000)],
    [[' 3000 '], tcp(3000)],
    [['0x50'], tcp(80)],
    [[3000, callback], tcp(3000, { callback })],
    [[3000, '127.0.0.1'], tcp(3000, { host: '127.0.0.1' })],
    [[3000, '::1'], tcp(3000, { host: '::1' })],
    [[3000, 'localhost', callback], tcp(3000, { host: 'localhost', callback })],
    [['3000', 'localhost', 511, callback], tcp(3000, { host: 'localhost', backlog: 511, callback })],
    [[3000, 511], tcp(3000, { backlog: 511 })],
    [[3000, 511, callback], tcp(3000, { backlog: 511, callback })],
    [[3000, undefined, 511, callback], tcp(3000, { backlog: 511, callback })],
    [[3000, null, callback], tcp(3000, { callback })],
    [[3000, undefined, undefined, callback], tcp(3000, { callback })],
    [[undefined, 511], tcp(0, { backlog: 511 })],
    [[undefined, '127.0.0.1'], tcp(0, { host: '127.0.0.1' })],
    [[null, '127.0.0.1', callback], tcp(0, { host: '127.0.0.1', callback })],
    [[undefined, 'localhost', 511], tcp(0, { host: 'localhost', backlog: 511 })],
    [[3000, ''], tcp(3000)],
    [[3000, '', callback], tcp(3000, { callback })],
  ],
  'server.listen(path[, backlog][, callback])': [
    [['/run/app.sock'], unix('/run/app.sock')],
    [['app.sock', callback], unix('app.sock', { callback })],
    [['/run/app.sock', 10], unix('/run/app.sock', { backlog: 10 })],
    [['/run/app.sock', 10, callback], unix('/run/app.sock', { backlog: 10, callback })],
    [['\0abstract'], unix('\0abstract')],
    [['3000/x'], unix('3000/x')],
  ],
  'server.listen(options[, callback])': [
    [[{ port: 3000 }], tcp(3000)],
    [[{ port: '3000' }], tcp(3000)],
    [[{ port: 0 }, callback], tcp(0, { callback })],
    [[{ port: undefined }], tcp(0)],
    [[{ port: null }], tcp(0)],
    [[{ port: 3000, host: '127.0.0.1' }], tcp(3000, { host: '127.0.0.1' })],
    [[{ port: 3000, host: '' }], tcp(3000)],
    [[{ port: 3000, host: undefined }], tcp(3000)],
    [[{ port: 3000, backlog: 10 }], tcp(3000, { backlog: 10 })],
    [[{ port: 3000 }, 10, callback], tcp(3000, { backlog: 10, callback })],
    [[{ port: 3000, backlog: 20 }, 10], tcp(3000, { backlog: 20 })],
    [[{ port: 3000, host: '::', ipv6Only: true }], tcp(3000, { host: '::', ipv6Only: true })],
    [[{ port: 3000, signal }], tcp(3000, { signal })],
    [[{ port: 3000, exclusive: false, reusePort: false }], tcp(3000)],
    [[{ port: 3000, reusePort: true }], tcp(3000)],
    [[{ port: 3000, path: '/run/app.sock' }], tcp(3000)],
    [[{ path: '/run/app.sock' }], unix('/run/app.sock')],
    [
      [{ path: '/run/app.sock', backlog: 5, signal }, callback],
      unix('/run/app.sock', { backlog: 5, signal, callback }),
    ],
    [[{ path: '/run/app.sock', readableAll: false, writableAll: false }], unix('/run/app.sock')],
    [[Object.assign(Object.create(null), { port: 80 })], tcp(80)],
  ],
}

/** `listen(3000, [Function: callback])`, with a handle by its class alone. */
function formOf(args: readonly unknown[]): string {
  const words = args.map((arg) => {
    const isHandle = arg instanceof EventEmitter || arg instanceof net.BoundSocket
    return isHandle ? arg.constructor.name : inspect(arg, { breakLength: Infinity })
  })
  return `listen(${words.join(', ')})`
}

for (const [form, rows] of Object.entries(forms)) {
  suite(form, () => {
    for (const [args, request] of rows) {
      test(`listen(${args.map((arg) => inspect(arg)).join(', ')})`, () => {
        assert.deepEqual(parseListen(args), request)
      })
    }
  })
}

suite('left to Node, which knows what to do with it or how to say what is wrong', () => {
  const bound = new net.BoundSocket({ host: '127.0.0.1', port: 0 })
  test.after(() => bound.close())
  const left: [args: unknown[]][] = [
    [[{ fd: 3 }]],
    [[{ fd: 3, port: 3000 }]],
    [[{ _handle: {} }]],
    [[{ handle: {} }]],
    [[net.createServer()]],
    [[http.createServer(), callback]],
    [[new net.Socket()]],
    [[bound]],
    [[{ port: 3000, exclusive: true }]],
    [[{ port: 3000, exclusive: true, reusePort: true }]],
    [[{ path: '/run/app.sock', readableAll: true }]],
    [[{ path: '/run/app.sock', writableAll: true }]],
    [[{}]],
    [[[]]],
    [[{ host: '127.0.0.1' }]],
    [[{ path: 5 }]],
    [[{ port: -1 }]],
    [[{ port: 65_536 }]],
    [[{ port: 3000.5 }]],
    [[{ port: Number.NaN }]],
    [[{ port: '' }]],
    [[{ port: 'abc' }]],
    [[{ port: true }]],
    [[{ port: {} }]],
    [[{ port: 3000, signal: 'x' }]],
    [[{ port: 3000, signal: null }]],
    [[-1]],
    [[65_536]],
    [[80.5]],
    [[Number.NaN]],
    [[Infinity]],
    [['']],
    [['70000']],
    [['-1']],
    [['80.5']],
    [[true]],
    [[false]],
    [[Symbol('x')]],
    [[80n]],
    [[{ path: '' }]],
    [[{ path: '3000' }]],
    [[`/run/${'x'.repeat(120)}`]],
    [[{ path: `/run/${'x'.repeat(120)}` }]],
    [[{ port: 3000, host: 127 }]],
  ]
  for (const [args] of left) {
    test(formOf(args), () => {
      assert.equal(parseListen(args), undefined)
    })
  }
})
