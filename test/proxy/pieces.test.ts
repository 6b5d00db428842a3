// The proxy's decisions that need no network: who is next, what is sent again, which headers go through.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { balancerNames } from '../../src/balance/index.ts'
import { BroodError } from '../../src/kernel/errors.ts'
import { afterFailure, isOut, up } from '../../src/proxy/health.ts'
import { foreignProtocolOf } from '../../src/proxy/http/foreign-protocol.ts'
import { answerHeaders, clientAddress, requestHeaders, trailersOf } from '../../src/proxy/http/headers.ts'
import { isRepeatable, type Stage, verdictOn } from '../../src/proxy/http/retry.ts'
import { cookieOfSlot, slotOfCookie } from '../../src/proxy/http/sticky-cookie.ts'
import { assertRoutes, type Route } from '../../src/proxy/route.ts'
import type { Upstream } from '../../src/proxy/upstream.ts'
import { Upstreams } from '../../src/proxy/upstreams.ts'
import { routeOf } from '../../src/proxy/written-route.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { upstreams } from '../support/proxy.ts'

describe('what becomes of a request that failed', () => {
  const sent = { stage: 'sent', reused: false, repeatable: true, timedOut: false, repeats: 0 } as const
  const rows = [
    ['nothing was sent: elsewhere', { ...sent, stage: 'connecting' }, 'elsewhere'],
    ['nothing was sent, not repeatable', { ...sent, stage: 'connecting', repeatable: false }, 'elsewhere'],
    ['nothing was sent, in time', { ...sent, stage: 'connecting', timedOut: true }, 'elsewhere'],
    ['sent and lost', sent, 'elsewhere'],
    ['sent and lost a third time', { ...sent, repeats: 2 }, 'give-up'],
    ['sent on a kept connection', { ...sent, reused: true }, 'again'],
    ['sent, not repeatable', { ...sent, repeatable: false }, 'give-up'],
    ['sent on a kept connection, not repeatable', { ...sent, reused: true, repeatable: false }, 'give-up'],
    ['no answer in time', { ...sent, timedOut: true }, 'give-up'],
    ['answered', { ...sent, stage: 'answered' }, 'give-up'],
  ] as const
  for (const [name, failure, verdict] of rows) {
    test(name, () => assert.equal(verdictOn(failure), verdict))
  }

  test('what may have been done is never done again unless twice is as good as once', () => {
    const stages: Stage[] = ['connecting', 'sent', 'answered']
    fc.assert(
      fc.property(
        fc.constantFrom(...stages),
        fc.boolean(),
        fc.boolean(),
        fc.nat(5),
        (stage, reused, timedOut, repeats) => {
          const verdict = verdictOn({ stage, reused, timedOut, repeats, repeatable: false })
          assert.equal(verdict === 'give-up', stage !== 'connecting')
        },
      ),
    )
  })

  test('GET and PUT may be repeated, POST and PATCH not, and nothing with a body', () => {
    const methods = ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'TRACE', 'POST', 'PATCH', 'FOO']
    const repeatable = methods.filter((method) => isRepeatable(method, false))
    assert.deepEqual(repeatable, ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'TRACE'])
    assert.equal(
      methods.some((method) => isRepeatable(method, true)),
      false,
    )
  })
})

describe('health', () => {
  test('an upstream is left out for a time that doubles, up to five seconds', () => {
    const lengths: number[] = []
    let now = 1000
    let health = afterFailure(up, now)
    for (let round = 0; round < 8 && health.at === 'out'; round++) {
      lengths.push(health.until - now)
      assert.equal(isOut(health, health.until - 1), true)
      assert.equal(isOut(health, health.until), false)
      now = health.until
      health = afterFailure(health, now)
    }
    assert.deepEqual(lengths, [200, 400, 800, 1600, 3200, 5000, 5000, 5000])
  })

  test('what fails while it is left out already does not count', () => {
    const once = afterFailure(up, 0)
    assert.equal(afterFailure(once, 100), once)
  })
})

describe('the choice among upstreams', () => {
  const clock = new FakeClock()

  function set(count: number, algorithm: (typeof balancerNames)[number] = 'round-robin'): Upstreams {
    const all = new Upstreams(clock)
    all.update(algorithm, upstreams(...Array.from({ length: count }, (_, index) => 3000 + index)))
    return all
  }

  for (const algorithm of balancerNames) {
    test(`${algorithm}: each is tried once, then nobody is left`, () => {
      const all = set(4, algorithm)
      const tried = new Set<Upstream>()
      for (let turn = 0; turn < 4; turn++) {
        const next = all.pick('192.0.2.1', tried)
        assert.ok(next !== undefined && !tried.has(next))
        tried.add(next)
      }
      assert.equal(all.pick('192.0.2.1', tried), undefined)
    })
  }

  test('one that cannot be reached is left out, unless nobody else is left', () => {
    const all = set(2)
    const [first, second] = all.members
    assert.ok(first && second)
    first.failed()
    for (let turn = 0; turn < 4; turn++) assert.equal(all.pick(undefined), second)
    assert.equal(all.pick(undefined, new Set([second])), first)
    second.failed()
    assert.deepEqual(new Set([all.pick(undefined), all.pick(undefined)]), new Set([first, second]))
    first.reached()
    for (let turn = 0; turn < 4; turn++) assert.equal(all.pick(undefined), first)
  })

  test('the wanted slot comes first, but not when it is gone or cannot be reached', () => {
    const all = set(3)
    for (let turn = 0; turn < 3; turn++) assert.equal(all.pick(undefined, new Set(), 2)?.id, 2)
    assert.notEqual(all.pick(undefined, new Set(), 7), undefined)
    all.members[2]?.failed()
    for (let turn = 0; turn < 3; turn++) assert.notEqual(all.pick(undefined, new Set(), 2)?.id, 2)
  })

  test('an update keeps those that stay, retires those that go, and takes a new port for a new upstream', () => {
    const all = set(3)
    const [first, second, third] = all.members
    assert.ok(first && second && third)
    first.begun()
    all.update('least-connections', [
      { slot: 0, host: '127.0.0.1', port: 3000, weight: 5 },
      { slot: 1, host: '127.0.0.1', port: 4001, weight: 1 },
    ])
    assert.equal(all.members[0], first)
    assert.deepEqual([first.weight, first.connections, first.isRetired], [5, 1, false])
    assert.deepEqual([second.isRetired, third.isRetired], [true, true])
    assert.equal(all.members[1]?.port, 4001)
  })

  test('least connections follows requests that begin and end', () => {
    const all = set(2, 'least-connections')
    const [first, second] = all.members
    assert.ok(first && second)
    first.begun()
    for (let turn = 0; turn < 3; turn++) assert.equal(all.pick(undefined), second)
    second.begun()
    second.begun()
    first.ended()
    for (let turn = 0; turn < 3; turn++) assert.equal(all.pick(undefined), first)
  })
})

describe('headers', () => {
  const asker = { address: '::ffff:192.0.2.9', trusted: false }

  test('what concerns one connection stays behind, with what Connection names', () => {
    const raw = ['Host', 'a', 'Connection', 'keep-alive, X-Mine', 'x-mine', '1', 'Keep-Alive', 'timeout=5']
    const out = requestHeaders([...raw, 'TE', 'gzip', 'Upgrade', 'h2c', 'Proxy-Authorization', 'x'], asker)
    const own = ['X-Forwarded-For', '192.0.2.9', 'X-Forwarded-Proto', 'http', 'X-Forwarded-Host', 'a']
    assert.deepEqual(out, ['Host', 'a', ...own])
  })

  test('names keep their case and order, and several of one name stay several', () => {
    const raw = ['Host', 'a', 'X-TwO', '1', 'accept', '*/*', 'x-two', '2']
    assert.deepEqual(requestHeaders(raw, asker).slice(0, raw.length), raw)
    assert.deepEqual(answerHeaders(['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2'], false), [
      ...['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2'],
    ])
  })

  test('who asks is not for the client to say, unless it is trusted', () => {
    const raw = ['Host', 'in', 'X-Forwarded-For', '10.0.0.1', 'X-Forwarded-Proto', 'https']
    raw.push(
      'X-Forwarded-Host',
      'out',
      'X-Real-IP',
      '10.0.0.1',
      'Forwarded',
      'for=10.0.0.1',
      'x-forwarded-port',
      '1',
    )
    assert.deepEqual(pairs(requestHeaders(raw, asker)), {
      host: 'in',
      'x-forwarded-for': '192.0.2.9',
      'x-forwarded-proto': 'http',
      'x-forwarded-host': 'in',
    })
    assert.deepEqual(pairs(requestHeaders(raw, { ...asker, trusted: true })), {
      host: 'in',
      'x-forwarded-for': '10.0.0.1, 192.0.2.9',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'out',
      'x-forwarded-port': '1',
      'x-real-ip': '10.0.0.1',
      forwarded: 'for=10.0.0.1',
    })
  })

  test('nor in the spelling that CGI and its kin take for the same', () => {
    const raw = ['Host', 'in', 'X_Forwarded_For', '10.0.0.1', 'X-Real_IP', '10.0.0.1', 'my_name', 'stays']
    assert.deepEqual(pairs(requestHeaders(raw, asker)), {
      host: 'in',
      my_name: 'stays',
      'x-forwarded-for': '192.0.2.9',
      'x-forwarded-proto': 'http',
      'x-forwarded-host': 'in',
    })
  })

  test('Connection cannot take away what the upstream relies on, and a second Host does not go through', () => {
    const raw = [
      'Host',
      'a',
      'Connection',
      'host, cookie, content-length',
      'Cookie',
      'c',
      'Content-Length',
      '1',
    ]
    const out = pairs(requestHeaders([...raw, 'Host', 'b'], asker))
    assert.deepEqual([out.host, out.cookie, out['content-length']], ['a', 'c', '1'])
  })

  test('a request without Host gets one, which HTTP/1.1 needs', () => {
    assert.deepEqual(pairs(requestHeaders(['Accept', '*/*'], asker)).host, 'localhost')
  })

  test('no framing and no routing in trailers', () => {
    const raw = ['X-Sum', '1', 'Content-Length', '3', 'Host', 'a', 'Transfer-Encoding', 'chunked']
    assert.deepEqual(trailersOf(raw), [['X-Sum', '1']])
  })

  test('behind a trusted proxy the client is the last address it has written', () => {
    assert.equal(clientAddress('10.0.0.1', '1.1.1.1, 192.0.2.7'), '192.0.2.7')
    assert.equal(clientAddress('10.0.0.1', undefined), '10.0.0.1')
    assert.equal(clientAddress('10.0.0.1', ' '), '10.0.0.1')
  })
})

test('the sticky cookie is found among others, and nothing but a slot is believed', () => {
  assert.equal(slotOfCookie('a=1; brood=2; c=brood=3', 'brood'), 2)
  assert.equal(slotOfCookie('xbrood=1; brood = 4', 'brood'), 4)
  for (const value of ['', '-1', '1e3', '99999999', '1.5', 'x']) {
    assert.equal(slotOfCookie(`brood=${value}`, 'brood'), undefined, value)
  }
  assert.equal(slotOfCookie(undefined, 'brood'), undefined)
  fc.assert(
    fc.property(fc.nat(999_999), (slot) => {
      assert.equal(slotOfCookie(cookieOfSlot('s', slot), 's'), slot)
    }),
  )
})

test('TLS and HTTP/2 are known by their first bytes, HTTP/1 is neither', () => {
  assert.equal(foreignProtocolOf(Buffer.from([0x16, 0x03, 0x01, 0x02]))?.name, 'TLS')
  assert.equal(foreignProtocolOf(Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'))?.name, 'HTTP/2')
  for (const text of ['GET / HTTP/1.1\r\n', '', 'PRI ', '\x16'])
    assert.equal(foreignProtocolOf(Buffer.from(text, 'latin1')), undefined)
})

describe('a route on the command line', () => {
  const least = { listen: '8080', to: ['3001'] }

  test('addresses in every form', () => {
    const listens = ['8080', ':8080', '127.0.0.1:80', '[::1]:80', 'localhost:80', './web.sock', '0']
    assert.deepEqual(
      listens.map((listen) => routeOf({ ...least, listen }).listen),
      [
        { port: 8080 },
        { port: 8080 },
        { host: '127.0.0.1', port: 80 },
        { host: '::1', port: 80 },
        { host: 'localhost', port: 80 },
        { path: './web.sock' },
        { port: 0 },
      ],
    )
    const to = ['3001', 'web.internal:80', '[::1]:3002']
    assert.deepEqual(
      routeOf({ ...least, to, balance: 'weighted', weights: '3,1' }).upstreams.map(Object.values),
      [
        [0, '127.0.0.1', 3001, 3],
        [1, 'web.internal', 80, 1],
        [2, '::1', 3002, 1],
      ],
    )
  })

  const refused: [string, Parameters<typeof routeOf>[0], RegExp][] = [
    ['nowhere to listen', { to: ['1'] }, /--listen is missing/],
    ['nowhere to go', { listen: '1' }, /--to is missing/],
    ['no port', { ...least, listen: 'localhost' }, /--listen localhost/],
    ['a port too high', { ...least, listen: '65536' }, /--listen 65536/],
    ['an address that is none', { ...least, listen: '1.2.3:80' }, /--listen 1\.2\.3:80/],
    ['IPv6 without brackets', { ...least, listen: '::1:80' }, /--listen ::1:80/],
    ['port 0 of an upstream', { ...least, to: ['0'] }, /--to 0/],
    ['a URL', { ...least, to: ['http://localhost:3000'] }, /--to http:/],
    ['no such mode', { ...least, mode: 'udp' }, /--mode udp/],
    ['no such algorithm', { ...least, balance: 'fair' }, /--balance fair.*round-robin/],
    ['more weights than upstreams', { ...least, balance: 'weighted', weights: '1,2' }, /--weights 1,2/],
    ['a weight of nothing', { ...least, balance: 'weighted', weights: '0' }, /--weights 0/],
    ['weights that nobody heeds', { ...least, weights: '2' }, /--weights.*round-robin/],
    ['a cookie without cookies', { ...least, mode: 'tcp', sticky: true }, /--sticky/],
    ['a cookie of a wrong name', { ...least, sticky: 'a;b' }, /'a;b'/],
    ['a cookie that nginx would take for a variable', { ...least, sticky: 'a$b' }, /'a\$b'/],
    ['a time that is none', { ...least, idleTimeout: 'long' }, /--idle-timeout long/],
  ]
  for (const [name, written, message] of refused) {
    test(`${name} is refused`, () => {
      assert.throws(
        () => routeOf(written),
        (error: unknown) =>
          error instanceof BroodError && error.code === 'usage' && message.test(error.message),
      )
    })
  }

  test('routes that cannot work are refused as a whole', () => {
    const route: Route = {
      ...{ listen: { port: 80 }, mode: 'http', algorithm: 'random', upstreams: upstreams(1, 2) },
    }
    assert.throws(() => assertRoutes([route, route]), /two routes listen on port 80/)
    const [one] = route.upstreams
    assert.ok(one)
    assert.throws(
      () => assertRoutes([{ ...route, upstreams: [one, { ...one, port: 9 }] }]),
      /two upstreams have slot 0/,
    )
    assert.throws(
      () => assertRoutes([{ ...route, upstreams: [{ ...one, weight: Number.NaN }] }]),
      /weight NaN/,
    )
    assert.throws(() => assertRoutes([{ ...route, upstreams: [{ ...one, port: 0 }] }]), /127\.0\.0\.1:0/)
    assertRoutes([route, { ...route, listen: { port: 81 } }])
  })
})

function pairs(raw: readonly string[]): Record<string, string> {
  const out: Record<string, string> = {}
  for (let index = 0; index < raw.length; index += 2) {
    const name = (raw[index] ?? '').toLowerCase()
    assert.equal(name in out, false, `${name} twice`)
    out[name] = raw[index + 1] ?? ''
  }
  return out
}
