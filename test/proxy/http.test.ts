// Mode `http` over real connections, against upstreams and clients that are written byte by byte.
import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import type { ClientRequest } from 'node:http'
import { describe, type TestContext, test } from 'node:test'
import { FakeClock } from '../support/fake-clock.ts'
import { freePort } from '../support/free-port.ts'
import { answering, dial, ok, RawServer, startProxy, upstreams } from '../support/proxy.ts'

const bounded = { timeout: 30_000 }
const wholeHead = /[\s\S]*?\r\n\r\n/
const get = (path = '/', ...headers: string[]): string =>
  `${[`GET ${path} HTTP/1.1`, 'Host: test', ...headers].join('\r\n')}\r\n\r\n`
const post = (body: string, ...headers: string[]): string =>
  `${['POST / HTTP/1.1', 'Host: test', `Content-Length: ${body.length}`, ...headers].join('\r\n')}\r\n\r\n${body}`

describe('what goes through', () => {
  test(
    'headers in their case and number, both ways, and nothing that concerns one connection',
    bounded,
    async (t) => {
      const upstream = await RawServer.start(t)
      const { port } = await startProxy(t, [upstream.port])
      const client = await dial(t, port)
      client.send(
        get(
          '/a?b=%20',
          'X-TwO: 1',
          'X-TwO: 2',
          'Connection: X-Mine',
          'X-Mine: 1',
          'X-Forwarded-For: 6.6.6.6',
        ),
      )
      const server = await upstream.connection()
      const [head] = await server.until(wholeHead)
      assert.match(head, /^GET \/a\?b=%20 HTTP\/1\.1\r\nHost: test\r\nX-TwO: 1\r\nX-TwO: 2\r\n/)
      assert.match(
        head,
        /X-Forwarded-For: 127\.0\.0\.1\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: test\r\n/,
      )
      assert.doesNotMatch(head, /mine|6\.6\.6\.6/i)
      server.send(ok('done', 'SET-Cookie: a=1', 'SET-Cookie: b=2', 'Connection: X-Hop', 'X-Hop: 1'))
      const [answer] = await client.until(/[\s\S]*done/)
      assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/)
      assert.match(answer, /SET-Cookie: a=1\r\nSET-Cookie: b=2\r\n/)
      assert.doesNotMatch(answer, /hop|date:/i)
    },
  )

  test('several requests on one connection, kept on both sides', bounded, async (t) => {
    const upstream = await RawServer.start(
      t,
      answering((head) => ok(head.slice(4, 6))),
    )
    const { port } = await startProxy(t, [upstream.port])
    const client = await dial(t, port)
    for (const path of ['/1', '/2', '/3']) {
      client.send(get(path))
      await client.until(new RegExp(`\r\n\r\n${path}`))
    }
    assert.equal(upstream.count, 1)
    client.send(get('/4') + get('/5'))
    await client.until(/\r\n\r\n\/4[\s\S]*\r\n\r\n\/5/)
  })

  test('trailers of a request and of an answer', bounded, async (t) => {
    const upstream = await RawServer.start(t)
    const { port } = await startProxy(t, [upstream.port])
    const client = await dial(t, port)
    client.send(
      'POST / HTTP/1.1\r\nHost: test\r\nTE: trailers\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n',
    )
    const server = await upstream.connection()
    await server.until(/TE: trailers\r\n/)
    client.send('2\r\nhi\r\n0\r\nX-Sum: 7\r\n\r\n')
    await server.until(/2\r\nhi\r\n0\r\nX-Sum: 7\r\n\r\n/)
    server.send(
      'HTTP/1.1 200 OK\r\nTrailer: X-End\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nyes\r\n0\r\nX-End: 8\r\n\r\n',
    )
    await client.until(/Trailer: X-End[\s\S]*3\r\nyes\r\n0\r\nX-End: 8\r\n\r\n/)
  })

  test('each piece of a stream as it comes, head first', bounded, async (t) => {
    const upstream = await RawServer.start(t)
    const { port } = await startProxy(t, [upstream.port])
    const client = await dial(t, port)
    client.send('POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n')
    const server = await upstream.connection()
    await server.until(wholeHead)
    server.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')
    await client.until(wholeHead)
    for (const piece of ['one', 'two']) {
      client.send(`3\r\n${piece}\r\n`)
      await server.until(new RegExp(piece))
      server.send(`3\r\n${piece}\r\n`)
      await client.until(new RegExp(piece))
    }
    server.send('0\r\n\r\n')
    await client.until(/0\r\n\r\n/)
  })

  test('early hints, and "continue" when the upstream says it', bounded, async (t) => {
    const upstream = await RawServer.start(t)
    const { port } = await startProxy(t, [upstream.port])
    const client = await dial(t, port)
    client.send('POST / HTTP/1.1\r\nHost: test\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n')
    const server = await upstream.connection()
    await server.until(/Expect: 100-continue[\s\S]*\r\n\r\n/)
    server.send('HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n')
    await client.until(/^HTTP\/1\.1 103 Early Hints\r\nLink: <\/a\.css>; rel=preload\r\n\r\n/)
    server.send('HTTP/1.1 100 Continue\r\n\r\n')
    await client.until(/^HTTP\/1\.1 100 Continue\r\n\r\n/)
    client.send('body')
    await server.until(/body/)
    server.send(ok('fine'))
    await client.until(/fine/)
  })

  test('a refusal in place of "continue", alone', bounded, async (t) => {
    const upstream = await RawServer.start(t)
    const { port } = await startProxy(t, [upstream.port])
    const client = await dial(t, port)
    client.send('POST / HTTP/1.1\r\nHost: test\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n')
    const server = await upstream.connection()
    await server.until(wholeHead)
    server.send('HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n')
    const [answer] = await client.until(wholeHead)
    assert.match(answer, /^HTTP\/1\.1 417 [\s\S]*Connection: close/)
    assert.equal(await client.ended, 'end')
  })

  test('an answer that comes before the whole request, to a client that still sends', bounded, async (t) => {
    const upstream = await RawServer.start(t)
    const { port } = await startProxy(t, [upstream.port])
    const client = await dial(t, port)
    client.send(`POST / HTTP/1.1\r\nHost: test\r\nContent-Length: ${4 * 2 ** 20}\r\n\r\n`)
    const server = await upstream.connection()
    await server.until(wholeHead)
    server.send('HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig')
    server.socket.destroySoon()
    const sent = Promise.withResolvers<void>()
    client.socket.write(Buffer.alloc(4 * 2 ** 20), () => sent.resolve())
    await client.until(/^HTTP\/1\.1 413 Too Large\r\n[\s\S]*big/)
    await sent.promise
    // The connection is whole: the next request on it is answered.
    client.send(get('/next'))
    const next = await upstream.connection()
    await next.until(/^GET \/next/)
    next.send(ok('next'))
    await client.until(/next/)
  })

  test('what follows an early answer goes out on another connection', bounded, async (t) => {
    const upstream = await RawServer.start(t)
    const { port } = await startProxy(t, [upstream.port])
    const client = await dial(t, port)
    client.send('POST /early HTTP/1.1\r\nHost: test\r\nContent-Length: 8\r\n\r\nhalf')
    const server = await upstream.connection()
    await server.until(/half/)
    // Kept open, as Node does it: the upstream still waits for the other half.
    server.send(ok('early'))
    await client.until(/early/)
    client.send('rest')
    client.send(get('/next'))
    const next = await upstream.connection()
    await next.until(/^GET \/next/)
    next.send(ok('next'))
    await client.until(/next/)
    assert.match(await server.ended, /end|ECONNRESET/)
    assert.equal(server.received.split('half')[1], '')
  })

  test('requests sent ahead, one after the other', bounded, async (t) => {
    const upstream = await RawServer.start(t)
    const { port } = await startProxy(t, [upstream.port])
    const client = await dial(t, port)
    client.send(post('first') + get('/second') + post('third'))
    const server = await upstream.connection()
    for (const [request, answer] of [
      [/^POST[\s\S]*first/, 'one'],
      [/^GET \/second[\s\S]*\r\n\r\n/, 'two'],
      [/^POST[\s\S]*third/, 'three'],
    ] as const) {
      await server.until(request)
      server.send(ok(answer))
      await client.until(new RegExp(answer))
    }
    assert.equal(upstream.count, 1)
  })

  test('more than a thousand headers, and the length that comes after them', bounded, async (t) => {
    const upstream = await RawServer.start(t)
    const { port } = await startProxy(t, [upstream.port])
    const client = await dial(t, port)
    const many = Array.from({ length: 1200 }, () => 'a: b')
    client.send(['POST / HTTP/1.1', 'Host: test', ...many, 'Content-Length: 4', '', 'body'].join('\r\n'))
    const server = await upstream.connection()
    const [head] = await server.until(/[\s\S]*\r\n\r\nbody/)
    assert.equal(head.split('\r\na: b').length - 1, 1200)
    server.send(['HTTP/1.1 200 OK', ...many, 'Content-Length: 2', 'X-Last: 1', '', 'ok'].join('\r\n'))
    await client.until(/Content-Length: 2\r\nX-Last: 1[\s\S]*\r\n\r\nok/)
  })

  test('answers without a length, HTTP/1.0 clients, HEAD, 304', bounded, async (t) => {
    const upstream = await RawServer.start(
      t,
      answering((head, wire) => {
        if (head.startsWith('HEAD')) return 'HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n'
        if (head.startsWith('GET /304'))
          return 'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\nContent-Length: 999\r\n\r\n'
        wire.socket.end('HTTP/1.1 200 OK\r\n\r\nunmeasured')
        return undefined
      }),
    )
    const { port } = await startProxy(t, [upstream.port])
    const client = await dial(t, port)
    client.send('HEAD / HTTP/1.1\r\nHost: test\r\n\r\n')
    await client.until(/^HTTP\/1\.1 200 OK\r\nContent-Length: 999\r\n[\s\S]*?\r\n\r\n$/)
    client.send(get('/304'))
    await client.until(/^HTTP\/1\.1 304 Not Modified\r\nETag: "a"\r\n[\s\S]*?\r\n\r\n$/)
    client.send(get())
    await client.until(/Transfer-Encoding: chunked[\s\S]*unmeasured\r\n0\r\n\r\n/)
    const old = await dial(t, port)
    old.send('GET / HTTP/1.0\r\n\r\n')
    assert.doesNotMatch((await old.until(/[\s\S]*unmeasured/))[0], /chunked/)
    assert.equal(await old.ended, 'end')
  })
})

describe('who stops reading slows the sender down', () => {
  const enough = 2 ** 26

  test('a client that does not read its answer', bounded, async (t) => {
    const upstream = await RawServer.start(t)
    const { port } = await startProxy(t, [upstream.port])
    const client = await dial(t, port)
    client.socket.pause()
    client.send(get())
    const server = await upstream.connection()
    await server.until(wholeHead)
    server.send(`HTTP/1.1 200 OK\r\nContent-Length: ${enough}\r\n\r\n`)
    const all = Buffer.alloc(enough)
    const written = Promise.withResolvers<void>()
    server.socket.write(all, () => written.resolve())
    // While somebody else is served for a while, the most of it stays where it was.
    for (let turn = 0; turn < 20; turn++) {
      const other = await dial(t, port)
      other.send(get('/other', 'Connection: close'))
      const answering = await upstream.connection()
      await answering.until(wholeHead)
      answering.send(ok('x', 'Connection: close'))
      await other.ended
      answering.socket.end()
    }
    assert.ok(server.socket.writableLength > 0, 'all of it went into the proxy')
    let read = 0
    client.socket.removeAllListeners('data')
    client.socket.on('data', (bytes) => {
      read += bytes.length
    })
    client.socket.resume()
    await written.promise
    assert.ok(read > 0)
  })
})

describe('an upstream that fails', () => {
  test('whatever the request, another gets it when there is no connection', bounded, async (t) => {
    const upstream = await RawServer.start(
      t,
      answering((head) => ok(head.slice(-4))),
    )
    const { port, warnings } = await startProxy(t, [await freePort(), await freePort(), upstream.port])
    const client = await dial(t, port)
    for (const body of ['one!', 'two!', '3333']) {
      client.send(post(body))
      await client.until(new RegExp(`200 OK[\\s\\S]*${body}`))
    }
    assert.deepEqual(
      warnings.map((line) => /\(slot \d\) can't be reached: connection refused/.exec(line)?.[0]).sort(),
      ["(slot 0) can't be reached: connection refused", "(slot 1) can't be reached: connection refused"],
    )
  })

  test('a GET that got no answer goes to the next one, a POST does not', bounded, async (t) => {
    const breaking = await RawServer.start(
      t,
      answering((_head, wire) => void wire.socket.resetAndDestroy()),
    )
    const upstream = await RawServer.start(
      t,
      answering((head) => ok(head.slice(0, 4))),
    )
    const { port } = await startProxy(t, [breaking.port, upstream.port])
    const client = await dial(t, port)
    client.send(get())
    await client.until(/200 OK[\s\S]*GET /)
    assert.equal(breaking.count, 1)
    client.send(get())
    await client.until(/200 OK[\s\S]*GET /)
    const statuses: (string | undefined)[] = []
    for (let turn = 0; turn < 2; turn++) {
      client.send(post('data'))
      const [, status, length] = await client.until(
        /HTTP\/1\.1 (\d+)[\s\S]*?content-length: (\d+)[\s\S]*?\r\n\r\n/i,
      )
      const [text] = await client.until(new RegExp(`[\\s\\S]{${length}}`))
      statuses.push(status)
      if (status === '502')
        assert.equal(text, 'Bad Gateway: slot 0: connection reset before an answer came\n')
    }
    assert.deepEqual(statuses.sort(), ['200', '502'])
  })

  test('a request that brings everybody down is given to three of them, not to all', bounded, async (t) => {
    const servers = await Promise.all(
      Array.from({ length: 5 }, () =>
        RawServer.start(
          t,
          answering((_head, wire) => void wire.socket.resetAndDestroy()),
        ),
      ),
    )
    const { port } = await startProxy(
      t,
      servers.map(({ port }) => port),
    )
    const client = await dial(t, port)
    client.send(get())
    await client.until(/^HTTP\/1\.1 502 [\s\S]*slot 0: connection reset.*slot 1: connection reset.*slot 2/)
    assert.equal(
      servers.reduce((sum, { count }) => sum + count, 0),
      3,
    )
  })

  test('a kept connection that closes just when a GET goes out on it costs nothing', bounded, async (t) => {
    let requests = 0
    const upstream = await RawServer.start(t, (wire) => {
      let first = true
      answering(() => {
        requests++
        if (!first) return void wire.socket.destroy()
        first = false
        return ok('first on its connection')
      })(wire)
    })
    const { port, warnings } = await startProxy(t, [upstream.port])
    const client = await dial(t, port)
    for (let turn = 0; turn < 3; turn++) {
      client.send(get())
      await client.until(/200 OK[\s\S]*first on its connection/)
    }
    // The first; then each time one that is lost on the kept connection, and the same once more on a new one.
    assert.equal(requests > 3, true)
    assert.deepEqual(warnings, [], 'nobody was taken for unreachable')
  })

  test('when one kept connection turns out to be dead, the others are not tried', bounded, async (t) => {
    const upstream = await RawServer.start(t)
    const { port } = await startProxy(t, [upstream.port])
    const clients = [await dial(t, port), await dial(t, port)]
    for (const client of clients) client.send(post('data'))
    const kept = [await upstream.connection(), await upstream.connection()]
    for (const wire of kept) {
      await wire.until(/data/)
      wire.send(ok('first'))
      // As if it had been restarted: nobody is told before the next request.
      wire.until(/data/).then(
        () => wire.socket.resetAndDestroy(),
        () => {},
      )
    }
    const [one, other] = clients
    assert.ok(one && other)
    for (const client of clients) await client.until(/first/)
    one.send(post('data'))
    await one.until(/^HTTP\/1\.1 502 [\s\S]*\n$/)
    other.send(post('data'))
    const fresh = await upstream.connection()
    await fresh.until(/data/)
    fresh.send(ok('second'))
    await other.until(/second/)
  })

  test(
    'a POST goes out on a connection used a moment ago, but not on one that was idle for longer',
    bounded,
    async (t) => {
      const clock = new FakeClock()
      const upstream = await RawServer.start(
        t,
        answering(() => ok('done')),
      )
      const { port } = await startProxy(t, [upstream.port], {}, clock)
      const client = await dial(t, port)
      const connections: number[] = []
      for (const idle of [0, 1000, 1001, 5000]) {
        await clock.pass(idle)
        client.send(post('data'))
        await client.until(/200 OK[\s\S]*done/)
        connections.push(upstream.count)
      }
      assert.deepEqual(connections, [1, 1, 2, 3])
      await clock.pass(5000)
      client.send(get())
      await client.until(/200 OK[\s\S]*done/)
      assert.equal(upstream.count, 3, 'a GET takes what there is')
    },
  )

  test('it is asked again only after a while, unless nobody else is there', bounded, async (t) => {
    const clock = new FakeClock()
    const dead = await freePort()
    const upstream = await RawServer.start(
      t,
      answering(() => ok('alive')),
    )
    const { port, proxy, route, warnings } = await startProxy(t, [dead, upstream.port], {}, clock)
    const client = await dial(t, port)
    for (let turn = 0; turn < 4; turn++) {
      client.send(get())
      await client.until(/alive/)
    }
    assert.equal(warnings.length, 1)
    await proxy.update([{ ...route, upstreams: upstreams(dead) }])
    for (let turn = 0; turn < 2; turn++) {
      client.send(get())
      await client.until(/502 Bad Gateway[\s\S]*slot 0: connection refused\n/)
    }
    assert.equal(warnings.length, 1, 'said once')
  })

  test('an answer that breaks off breaks the client’s connection', bounded, async (t) => {
    for (const head of ['Content-Length: 10', 'Transfer-Encoding: chunked']) {
      const upstream = await RawServer.start(t)
      const { port } = await startProxy(t, [upstream.port])
      const client = await dial(t, port)
      client.send(get())
      const server = await upstream.connection()
      await server.until(wholeHead)
      server.send(`HTTP/1.1 200 OK\r\n${head}\r\n\r\n5\r\nhello`)
      await client.until(/hello/)
      server.socket.destroy()
      assert.equal(await client.ended, 'ECONNRESET')
    }
  })

  test('what it answers when nobody can', bounded, async (t) => {
    const none = await startProxy(t, [])
    const client = await dial(t, none.port)
    client.send(get())
    await client.until(
      /^HTTP\/1\.1 503 Service Unavailable\r\n[\s\S]*\r\n\r\nService Unavailable: there is no upstream\n$/,
    )
    client.send(post('body'))
    await client.until(/503[\s\S]*there is no upstream\n$/)
  })

  test('504 when it is silent, and it is not asked again', bounded, async (t) => {
    const silent = await RawServer.start(t)
    const other = await RawServer.start(t)
    const { port } = await startProxy(t, [silent.port, other.port], { timeouts: { idle: 50 } })
    const client = await dial(t, port)
    client.send(get())
    await client.until(/^HTTP\/1\.1 504 [\s\S]*slot 0: no answer in time before an answer came\n/)
    assert.equal(await (await silent.connection()).ended, 'end')
    assert.deepEqual([silent.count, other.count], [1, 0])
  })

  test('408 when it is the client that is silent', bounded, async (t) => {
    const upstream = await RawServer.start(t)
    const { port } = await startProxy(t, [upstream.port], { timeouts: { idle: 50 } })
    const client = await dial(t, port)
    client.send('POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 10\r\n\r\nhalf')
    await client.until(/^HTTP\/1\.1 408 /)
    assert.match(await (await upstream.connection()).ended, /end|ECONNRESET/)
  })
})

test('a request on a kept connection has all the time there is for an answer', bounded, async (t) => {
  const times: unknown[] = []
  // As Node documents the channel.
  const note = (message: unknown): unknown =>
    times.push((message as { request: ClientRequest }).request.socket?.timeout)
  subscribe('http.client.response.finish', note)
  t.after(() => unsubscribe('http.client.response.finish', note))
  const upstream = await RawServer.start(
    t,
    answering(() => ok('fine', 'Keep-Alive: timeout=5')),
  )
  // Node's agent has the same limit for idle connections, and sets no other where the two are equal.
  const { port } = await startProxy(t, [upstream.port], { timeouts: { idle: 30_000 } })
  const client = await dial(t, port)
  for (let turn = 0; turn < 2; turn++) {
    client.send(get())
    await client.until(/fine/)
  }
  assert.equal(upstream.count, 1)
  assert.deepEqual(times, [30_000, 30_000])
})

describe('a client that goes away', () => {
  test('with requests sent ahead: nobody is asked for them any more', bounded, async (t) => {
    const upstream = await RawServer.start(t)
    const { port } = await startProxy(t, [upstream.port])
    const client = await dial(t, port)
    client.send(get('/first') + get('/second'))
    const server = await upstream.connection()
    await server.until(wholeHead)
    server.send('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nsome')
    await client.until(/some/)
    client.socket.resetAndDestroy()
    const other = await dial(t, port)
    other.send(get('/other'))
    const next = await upstream.connection()
    await next.until(/^GET \/other/)
    next.send(ok('fine'))
    await other.until(/fine/)
    assert.equal(upstream.count, 2)
  })

  test('while it sends', bounded, async (t) => {
    const upstream = await RawServer.start(t)
    const { port } = await startProxy(t, [upstream.port])
    const client = await dial(t, port)
    client.send('POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 10\r\n\r\nhalf')
    const server = await upstream.connection()
    await server.until(/half/)
    client.socket.destroy()
    assert.match(await server.ended, /end|ECONNRESET/)
  })

  test('while it waits, and while it reads', bounded, async (t) => {
    for (const answer of ['', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n']) {
      const upstream = await RawServer.start(t)
      const { port } = await startProxy(t, [upstream.port])
      const client = await dial(t, port)
      client.send(get())
      const server = await upstream.connection()
      await server.until(wholeHead)
      server.send(answer)
      if (answer !== '') await client.until(/hi/)
      client.socket.destroy()
      assert.match(await server.ended, /end|ECONNRESET/)
    }
  })
})

describe('clients that speak something else', () => {
  test('TLS gets an alert, HTTP/2 a GOAWAY, and the operator one line', bounded, async (t) => {
    const { port, warnings } = await startProxy(t, [])
    const tls = await dial(t, port)
    tls.socket.write(Buffer.from('16030100050100000103', 'hex'))
    assert.equal(await tls.ended, 'end')
    assert.equal(Buffer.from(tls.received, 'latin1').toString('hex'), '15030300020228')
    const http2 = await dial(t, port)
    http2.send('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
    assert.equal(await http2.ended, 'end')
    assert.match(
      Buffer.from(http2.received, 'latin1').toString('hex'),
      /^000000040000000000000008070000000000000000000000000d$/,
    )
    assert.equal(warnings.length, 1)
    assert.match(warnings[0] ?? '', /TLS.*mode 'tcp'/)
  })

  test('nonsense gets 400, a head without end 431', bounded, async (t) => {
    const { port, warnings } = await startProxy(t, [])
    const nonsense = await dial(t, port)
    nonsense.send('NONSENSE\r\n\r\n')
    await nonsense.until(/^HTTP\/1\.1 400 Bad Request\r\n/)
    const endless = await dial(t, port)
    endless.send(`GET / HTTP/1.1\r\nX: ${'a'.repeat(20_000)}`)
    await endless.until(/^HTTP\/1\.1 431 /)
    assert.deepEqual(warnings, [])
  })

  test('nonsense behind requests is not answered within the answer to the first', bounded, async (t) => {
    const upstream = await RawServer.start(t)
    const { port } = await startProxy(t, [upstream.port])
    const client = await dial(t, port)
    client.send(get('/first'))
    const server = await upstream.connection()
    await server.until(wholeHead)
    server.send('HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\nsome')
    await client.until(/some/)
    client.send(`${get('/second')}NONSENSE\r\n\r\n`)
    await client.ended
    assert.doesNotMatch(client.received, /400/)
  })

  test('a request with two framings reaches nobody', bounded, async (t) => {
    const upstream = await RawServer.start(t)
    const { port } = await startProxy(t, [upstream.port])
    const client = await dial(t, port)
    client.send(
      'POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /in HTTP/1.1\r\n\r\n',
    )
    await client.until(/^HTTP\/1\.1 400 /)
    assert.equal(upstream.count, 0)
  })

  test('a transfer coding that the proxy cannot undo goes no further', bounded, async (t) => {
    const upstream = await RawServer.start(
      t,
      answering(() => 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n'),
    )
    const { port } = await startProxy(t, [upstream.port])
    const client = await dial(t, port)
    client.send(
      'POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n',
    )
    await client.until(/^HTTP\/1\.1 501 [\s\S]*no transfer coding here but chunked\n/)
    assert.equal(upstream.count, 0)
    client.send(get())
    await client.until(/HTTP\/1\.1 502 [\s\S]*slot 0: its answer can't be passed on\n/)
  })

  test('an offer of HTTP/2 is ignored', bounded, async (t) => {
    const upstream = await RawServer.start(
      t,
      answering((head) => ok(/upgrade|settings/i.test(head) ? 'told' : 'not told')),
    )
    const { port } = await startProxy(t, [upstream.port])
    const client = await dial(t, port)
    client.send(get('/', 'Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABk'))
    await client.until(/200 OK[\s\S]*not told/)
  })
})

describe('a switch of protocols', () => {
  const upgrade = get('/chat', 'Connection: Upgrade', 'Upgrade: chat')

  test('joins both connections, with what was sent early', bounded, async (t) => {
    const upstream = await RawServer.start(t)
    const { port } = await startProxy(t, [await freePort(), upstream.port], { sticky: { cookie: 'at' } })
    const client = await dial(t, port)
    client.send(`${upgrade}early`)
    const server = await upstream.connection()
    const [head] = await server.until(wholeHead)
    assert.match(head, /Connection: Upgrade\r\nUpgrade: chat\r\n/)
    server.send('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\nfirst')
    await server.until(/early/)
    await client.until(/^HTTP\/1\.1 101 Switching Protocols\r\n[\s\S]*Set-Cookie: at=1; [\s\S]*\r\n\r\nfirst/)
    client.send('to the server')
    await server.until(/to the server/)
  })

  test('lets each side end alone', bounded, async (t) => {
    for (const first of ['client', 'server'] as const) {
      const upstream = await RawServer.start(t)
      const { port } = await startProxy(t, [upstream.port])
      const client = await dial(t, port)
      client.send(upgrade)
      const server = await upstream.connection()
      await server.until(wholeHead)
      server.send('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n')
      await client.until(wholeHead)
      const [one, other] = first === 'client' ? [client, server] : [server, client]
      one.socket.end('last words')
      await other.until(/last words/)
      assert.equal(await other.ended, 'end')
      // A round trip of another connection: whoever ends both sides at once has done so by now.
      const probe = await dial(t, port)
      probe.send(upgrade)
      await (await upstream.connection()).until(wholeHead)
      other.socket.end('and still back')
      await one.until(/and still back/)
      assert.equal(await one.ended, 'end')
    }
  })

  test('a break on either side reaches the other', bounded, async (t) => {
    for (const breaker of ['client', 'server'] as const) {
      const upstream = await RawServer.start(t)
      const { port } = await startProxy(t, [upstream.port])
      const client = await dial(t, port)
      client.send(upgrade)
      const server = await upstream.connection()
      await server.until(wholeHead)
      server.send('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n')
      await client.until(wholeHead)
      const ends = { client, server }
      ends[breaker].socket.resetAndDestroy()
      const other = breaker === 'client' ? server : client
      assert.equal(await other.ended, 'ECONNRESET')
    }
  })

  test('a refusal arrives whole, and so does "nobody is there"', bounded, async (t) => {
    const upstream = await RawServer.start(
      t,
      answering(() => 'HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n'),
    )
    const { port } = await startProxy(t, [upstream.port])
    const client = await dial(t, port)
    client.send(upgrade)
    const [answer] = await client.until(/[\s\S]*no$/)
    assert.match(answer, /^HTTP\/1\.1 403 Forbidden\r\nConnection: close\r\n\r\nno$/)
    assert.equal(await client.ended, 'end')
    const nobody = await startProxy(t, [await freePort()])
    const other = await dial(t, nobody.port)
    other.send(upgrade)
    await other.until(/^HTTP\/1\.1 502 Bad Gateway\r\n[\s\S]*slot 0: connection refused\n/)
    assert.equal(await other.ended, 'end')
  })

  test('a refused client is let go, whether it goes by itself or not', bounded, async (t) => {
    const upstream = await RawServer.start(
      t,
      answering(() => 'HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno'),
    )
    for (const ports of [[upstream.port], []]) {
      for (const goes of [true, false]) {
        const clock = new FakeClock()
        const { proxy, port } = await startProxy(t, ports, {}, clock)
        const client = await dial(t, port)
        client.send(upgrade)
        assert.equal(await client.ended, 'end')
        if (goes) client.socket.end()
        else await clock.pass(1000)
        await proxy.close() // waits for the last connection
      }
    }
  })

  test('behind an answer that is still due there is none', bounded, async (t) => {
    const upstream = await RawServer.start(t)
    const { port } = await startProxy(t, [upstream.port])
    const client = await dial(t, port)
    client.send(get('/first') + upgrade)
    const server = await upstream.connection()
    await server.until(/^GET \/first/)
    server.send(ok('first'))
    await client.until(/^HTTP\/1\.1 200 OK[\s\S]*first/)
    const [head] = await server.until(/GET \/chat[\s\S]*\r\n\r\n/)
    assert.doesNotMatch(head, /upgrade/i)
  })

  test('a client that leaves before the switch is not kept at the upstream', bounded, async (t) => {
    const upstream = await RawServer.start(t)
    const { port } = await startProxy(t, [upstream.port])
    const client = await dial(t, port)
    client.send(upgrade)
    const server = await upstream.connection()
    await server.until(wholeHead)
    client.socket.resetAndDestroy()
    assert.match(await server.ended, /end|ECONNRESET/)
  })
})

describe('sticky clients', () => {
  test('a cookie names the slot, and another when that is gone', bounded, async (t) => {
    const servers = await Promise.all(
      [0, 1, 2].map((slot) =>
        RawServer.start(
          t,
          answering(() => ok(`slot ${slot}`)),
        ),
      ),
    )
    const ports = servers.map(({ port }) => port)
    const { port, proxy, route } = await startProxy(t, ports, { sticky: { cookie: 'at' } })
    const client = await dial(t, port)
    client.send(get())
    await client.until(/Set-Cookie: at=0; Path=\/; HttpOnly; SameSite=Lax\r\n[\s\S]*slot 0/)
    for (let turn = 0; turn < 3; turn++) {
      client.send(get('/', 'Cookie: a=b; at=2'))
      const [answer] = await client.until(/[\s\S]*slot 2/)
      assert.doesNotMatch(answer, /set-cookie/i)
    }
    await proxy.update([{ ...route, upstreams: upstreams(...ports).slice(0, 2) }])
    client.send(get('/', 'Cookie: at=2'))
    const [, slot] = await client.until(/Set-Cookie: at=(\d)[\s\S]*slot \1/)
    assert.match(slot ?? '', /[01]/)
  })
})

describe('changes and the end', () => {
  test(
    'an upstream that is taken away finishes what it has, gets nothing new, and keeps no connection',
    bounded,
    async (t) => {
      const [old, next] = [await RawServer.start(t), await RawServer.start(t)]
      const { port, proxy, route } = await startProxy(t, [old.port])
      const idle = await dial(t, port)
      idle.send(get('/idle'))
      const kept = await old.connection()
      await kept.until(wholeHead)
      const busy = await dial(t, port)
      busy.send(get('/busy'))
      const working = await old.connection()
      await working.until(wholeHead)
      kept.send(ok('idle now'))
      await idle.until(/idle now/)
      await proxy.update([{ ...route, upstreams: upstreams(next.port) }])
      assert.equal(await kept.ended, 'end')
      idle.send(get('/after'))
      const newer = await next.connection()
      await newer.until(/^GET \/after/)
      newer.send(ok('new'))
      await idle.until(/new$/)
      working.send(ok('finished'))
      await busy.until(/finished/)
      assert.equal(await working.ended, 'end', 'a connection of one that is gone is not kept')
      assert.deepEqual([old.count, next.count], [2, 1])
    },
  )

  test('routes are added and taken away; one that cannot be opened changes nothing', bounded, async (t) => {
    const upstream = await RawServer.start(
      t,
      answering(() => ok('served')),
    )
    const { port, proxy, route } = await startProxy(t, [upstream.port])
    const second = { ...route, listen: { host: '127.0.0.1', port: await freePort() } }
    await proxy.update([route, second])
    const busy = await dial(t, second.listen.port)
    busy.send(get())
    await busy.until(/served/)
    const taken = { ...route, listen: { host: '127.0.0.1', port: upstream.port } }
    const other = { ...route, listen: { host: '127.0.0.1', port: await freePort() } }
    await assert.rejects(proxy.update([other, taken]), { code: 'port_in_use' })
    await assert.rejects(proxy.update([{ ...route, algorithm: 'fair' as never }]), { code: 'usage' })
    assert.equal(proxy.listening.length, 2)
    await assert.rejects(dial(t, other.listen.port), { code: 'ECONNREFUSED' })
    await proxy.update([route])
    await assert.rejects(dial(t, second.listen.port), { code: 'ECONNREFUSED' })
    busy.send(get())
    await busy.until(/Connection: close[\s\S]*served/)
    assert.equal(await busy.ended, 'end')
    const still = await dial(t, port)
    still.send(get())
    await still.until(/served/)
  })

  test('a route can change its mode', bounded, async (t) => {
    const upstream = await RawServer.start(t)
    const { proxy, route } = await startProxy(t, [upstream.port])
    const listen = { host: '127.0.0.1', port: await freePort() }
    await proxy.update([{ ...route, listen }])
    await proxy.update([{ ...route, listen, mode: 'tcp' }])
    const client = await dial(t, listen.port)
    client.send('not HTTP')
    await (await upstream.connection()).until(/not HTTP/)
  })

  test(
    'a route can change its address on one port; what cannot be opened leaves it as it is',
    bounded,
    async (t) => {
      const upstream = await RawServer.start(
        t,
        answering(() => ok('served')),
      )
      const { proxy, route } = await startProxy(t, [upstream.port])
      const port = await freePort()
      const here = { ...route, listen: { host: '127.0.0.1', port } }
      const wide = { ...route, listen: { port } }
      const serves = async (client: Awaited<ReturnType<typeof dial>>) => {
        client.send(get())
        await client.until(/served/)
      }
      await proxy.update([wide])
      const before = await dial(t, port)
      await serves(before)
      await proxy.update([here])
      await serves(await dial(t, port))
      await serves(before)
      await proxy.update([wide])
      await serves(await dial(t, port))
      const taken = { ...route, listen: { host: '127.0.0.1', port: upstream.port } }
      await assert.rejects(proxy.update([here, taken]), { code: 'port_in_use' })
      assert.deepEqual(
        proxy.listening.map((one) => one.route.listen),
        [{ port }],
      )
      await serves(await dial(t, port))
      await assert.rejects(proxy.update([wide, here]), { code: 'port_in_use' })
      await serves(await dial(t, port))
    },
  )

  test('closing waits for what is under way, and tells clients', bounded, async (t) => {
    const upstream = await RawServer.start(t)
    const { port, proxy } = await startProxy(t, [upstream.port])
    const [busy, idle] = [await dial(t, port), await dial(t, port)]
    idle.send(get())
    const first = await upstream.connection()
    await first.until(wholeHead)
    first.send(ok('idle'))
    await idle.until(/idle/)
    busy.send(get())
    await first.until(wholeHead)
    const closed = proxy.close()
    idle.send(get())
    const second = await upstream.connection()
    await second.until(wholeHead)
    second.send(ok('late'))
    await idle.until(/Connection: close[\s\S]*late/)
    first.send(ok('done'))
    await busy.until(/done/)
    busy.socket.end()
    await closed
    await assert.rejects(dial(t, port), { code: 'ECONNREFUSED' })
  })

  test('closing with a limit breaks off what takes longer, upgraded connections too', bounded, async (t) => {
    const upstream = await RawServer.start(t)
    const { port, proxy } = await startProxy(t, [upstream.port])
    const [busy, chat] = [await dial(t, port), await dial(t, port)]
    busy.send(get())
    await (await upstream.connection()).until(wholeHead)
    chat.send(get('/', 'Connection: Upgrade', 'Upgrade: chat'))
    const server = await upstream.connection()
    await server.until(wholeHead)
    server.send('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n')
    await chat.until(wholeHead)
    await proxy.close(1)
    assert.match(await busy.ended, /end|ECONNRESET/)
    assert.equal(await chat.ended, 'ECONNRESET')
  })

  test('a unix socket, and port 0 of several routes', bounded, async (t) => {
    const upstream = await RawServer.start(
      t,
      answering(() => ok('served')),
    )
    const { proxy, route } = await startProxy(t, [upstream.port])
    const any = { host: '127.0.0.1', port: 0 }
    await proxy.update([route, { ...route, listen: any }])
    const ports = proxy.listening.map(({ address }) => (typeof address === 'object' ? address.port : 0))
    assert.equal(new Set(ports).size, 2)
    for (const port of ports) {
      const client = await dial(t, port)
      client.send(get())
      await client.until(/served/)
      const closed = once(client.socket, 'close')
      client.socket.destroy()
      await closed
    }
  })
})

describe('an upstream that lets somebody wait', () => {
  /** The first one is silent, the second one answers; requests of one client after another. */
  async function silentAndBrisk(t: TestContext) {
    const clock = new FakeClock()
    const silent = await RawServer.start(t)
    const brisk = await RawServer.start(
      t,
      answering(() => ok('brisk')),
    )
    const { port } = await startProxy(t, [silent.port, brisk.port], {}, clock)
    const ask = async (): Promise<void> => {
      const client = await dial(t, port)
      client.send(get())
      await client.until(/brisk/)
      client.socket.destroy()
    }
    return { clock, silent, port, ask }
  }

  test('is passed by until it sends a byte, which may be one of the body', bounded, async (t) => {
    const { clock, silent, port, ask } = await silentAndBrisk(t)
    const [first, second] = [await dial(t, port), await dial(t, port)]
    first.send(get('/first'))
    const one = await silent.connection()
    await one.until(wholeHead)
    one.send('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n')
    await first.until(wholeHead)
    await ask()
    second.send(get('/second'))
    await (await silent.connection()).until(wholeHead)
    clock.leap(101)
    for (let turn = 0; turn < 4; turn++) await ask()
    one.send('12345')
    await first.until(/12345/)
    const third = await dial(t, port)
    third.send(get('/third'))
    assert.match((await (await silent.connection()).until(wholeHead))[0], /third/)
  })

  test('is passed by until who waits has gone away', bounded, async (t) => {
    const { clock, silent, port, ask } = await silentAndBrisk(t)
    const first = await dial(t, port)
    first.send(get())
    const one = await silent.connection()
    await one.until(wholeHead)
    clock.leap(101)
    for (let turn = 0; turn < 3; turn++) await ask()
    first.socket.destroy()
    await one.ended
    const other = await dial(t, port)
    other.send(get('/other'))
    assert.match((await (await silent.connection()).until(wholeHead))[0], /other/)
  })

  test('does not lag while it is its client that is slow', bounded, async (t) => {
    const { clock, silent, port, ask } = await silentAndBrisk(t)
    const slow = await dial(t, port)
    slow.send('POST /slow HTTP/1.1\r\nHost: test\r\nContent-Length: 10\r\n\r\n12345')
    await (await silent.connection()).until(/12345/)
    await ask()
    clock.leap(1000)
    const next = await dial(t, port)
    next.send(get('/next'))
    assert.match((await (await silent.connection()).until(wholeHead))[0], /next/)
    slow.send('67890')
  })

  test('is waited for by clients that belong to it', bounded, async (t) => {
    const clock = new FakeClock()
    const [own, other] = [await RawServer.start(t), await RawServer.start(t)]
    const sticky = { sticky: { cookie: 'brood' } }
    const { port } = await startProxy(t, [own.port, other.port], sticky, clock)
    for (const path of ['/one', '/two']) {
      const client = await dial(t, port)
      client.send(get(path, 'Cookie: brood=0'))
      assert.match((await (await own.connection()).until(wholeHead))[0], new RegExp(path))
      clock.leap(101)
    }
    assert.equal(other.count, 0)
  })
})
