// Clients that come by a unix socket: it knows no reset, so where others are reset these see the end.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import type { Route } from '../../src/proxy/route.ts'
import { dial, RawServer, startProxy } from '../support/proxy.ts'
import { temporaryFolder } from '../support/temporary.ts'

const bounded = { timeout: 30_000 }
const request = 'GET / HTTP/1.1\r\nHost: test\r\n\r\n'
const upgrade = 'GET / HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n'

async function setUp(t: TestContext, more: Partial<Route>) {
  const upstream = await RawServer.start(t)
  const path = join(temporaryFolder(t), 'web.sock')
  const { proxy, route } = await startProxy(t, [upstream.port], more)
  const there = { ...route, listen: { path } }
  await proxy.update([there])
  return { upstream, path, proxy, route: there }
}

describe('what is broken off ends, and the proxy goes on', () => {
  const switched = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\nsome'
  const kinds = [
    ['an answer', { mode: 'http' }, request, 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nsome'],
    ['a refusal to switch', { mode: 'http' }, upgrade, 'HTTP/1.1 403 No\r\nContent-Length: 9\r\n\r\nsome'],
    ['a switched connection', { mode: 'http' }, upgrade, switched],
    ['a connection', { mode: 'tcp' }, request, 'some'],
  ] as const
  for (const [what, mode, asked, answer] of kinds) {
    test(what, bounded, async (t) => {
      const { upstream, path } = await setUp(t, mode)
      for (let turn = 0; turn < 2; turn++) {
        const client = await dial(t, path)
        client.send(asked)
        const server = await upstream.connection()
        await server.until(/\r\n\r\n/)
        server.send(answer)
        await client.until(/some/)
        server.socket.resetAndDestroy()
        assert.equal(await client.ended, 'end')
      }
    })
  }

  test('a connection that nobody is there for', bounded, async (t) => {
    const { path, proxy, route } = await setUp(t, { mode: 'tcp' })
    await proxy.update([{ ...route, upstreams: [] }])
    for (let turn = 0; turn < 2; turn++) {
      const client = await dial(t, path)
      assert.match(await client.ended, /end|ECONNRESET/)
    }
  })

  test('one that is idle for too long, and one whose time is over', bounded, async (t) => {
    const { upstream, path, proxy } = await setUp(t, { mode: 'tcp', timeouts: { idle: 20 } })
    const client = await dial(t, path)
    assert.equal(await client.ended, 'end')
    const other = await dial(t, path)
    await upstream.connection()
    await upstream.connection()
    await proxy.close(0)
    assert.equal(await other.ended, 'end')
  })
})
