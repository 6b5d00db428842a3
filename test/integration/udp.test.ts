// UDP in an app of several workers: which sockets are shared and which are a worker's own, and what programs do with them.
import assert from 'node:assert/strict'
import dgram from 'node:dgram'
import { once } from 'node:events'
import { test } from 'node:test'
import { Brood, pidsOf, portOf, program } from '../support/brood.ts'
import { askDatagram, streamDatagrams } from '../support/datagrams.ts'
import { freeUdpPort } from '../support/free-port.ts'
import { formatReport, startLoad } from '../support/load/index.ts'
import { temporaryProgram } from '../support/temporary.ts'

const bounded = { timeout: 60_000 }

/** Asks from ever new ports until all of them have answered. */
async function answeredBy(port: number, pids: readonly number[], signal: AbortSignal, host?: string) {
  const missing = new Set(pids)
  while (missing.size > 0) missing.delete(await askDatagram(port, signal, host))
}

const echo = `
  import dgram from 'node:dgram'
  function serve(type, ...bind) {
    const socket = dgram.createSocket(type)
    socket.on('message', (message, { port, address }) => socket.send(\`\${message} \${process.pid}\`, port, address))
    socket.bind(...bind)
    return socket
  }
`

test('every form of bind is shared that names a port', bounded, async (t) => {
  const brood = Brood.create(t)
  const ports = await Promise.all(Array.from({ length: 5 }, () => freeUdpPort()))
  const script = temporaryProgram(
    t,
    'forms.mjs',
    `${echo}
    const [a, b, c, d, e] = ${JSON.stringify(ports)}
    let left = 5
    const bound = () => { if (--left === 0) process.send('ready') }
    serve('udp4', a, bound)
    serve('udp4', String(b), '127.0.0.1', bound)
    serve('udp4', { port: c, address: 'localhost' }, bound)
    serve('udp6', d, '::1', bound)
    serve({ type: 'udp6', ipv6Only: true }, { port: e }).once('listening', bound)`,
  )
  const report = await brood.launch(script, '-w', '2', '--name', 'app', '--ready', 'message')
  const [a = 0, b = 0, c = 0, d = 0, e = 0] = ports
  const labels = [`udp *:${a}`, `udp 127.0.0.1:${b}`, `udp 127.0.0.1:${c}`, `udp [::1]:${d}`, `udp [::]:${e}`]
  assert.deepEqual(new Set((await brood.show('app')).addresses), new Set(labels))
  assert.match((await brood.run('show', 'app')).stdout, new RegExp(`udp \\*:${a}`))
  for (const port of [a, b, c]) await answeredBy(port, pidsOf(report), t.signal)
  for (const port of [d, e]) await answeredBy(port, pidsOf(report), t.signal, '::1')
})

for (const mode of ['slots', 'balanced']) {
  test(
    `sockets of clients are each worker's own and get their answers, in mode ${mode}`,
    bounded,
    async (t) => {
      const brood = Brood.create(t)
      const upstream = dgram.createSocket('udp4').bind(0, '127.0.0.1')
      t.after(() => upstream.close())
      await once(upstream, 'listening')
      upstream.on('message', (message, { port, address }) =>
        upstream.send(`${message} from ${port}`, port, address),
      )
      const script = temporaryProgram(
        t,
        'clients.mjs',
        `import dgram from 'node:dgram'
      import { once } from 'node:events'
      const port = ${upstream.address().port}
      const kinds = {
        async unbound(socket) { socket.send('unbound', port, '127.0.0.1') },
        async bound(socket) { socket.bind(); await once(socket, 'listening'); socket.send('bound', port, '127.0.0.1') },
        async callback(socket) { socket.bind(() => socket.send('callback', port, '127.0.0.1')) },
        async noPort(socket) { socket.bind({ address: '127.0.0.1' }); socket.send('noPort', port, '127.0.0.1') },
        async exclusive(socket) { socket.bind({ port: 0, exclusive: true }); socket.send('exclusive', port, '127.0.0.1') },
        async connected(socket) { socket.connect(port, '127.0.0.1'); await once(socket, 'connect'); socket.send('connected') },
        ${mode === 'balanced' ? `async zero(socket) { socket.bind(0); socket.send('zero', port, '127.0.0.1') },` : ''}
      }
      for (const [kind, send] of Object.entries(kinds)) {
        const socket = dgram.createSocket('udp4')
        const answered = once(socket, 'message')
        await send(socket)
        const [message] = await answered
        console.log(String(message))
        if (String(message) !== \`\${kind} from \${socket.address().port}\`) throw new Error(\`\${kind}: \${message}\`)
      }
      process.send('ready')
      setInterval(() => {}, 1000)`,
      )
      const flags = ['-w', '4', '--name', 'app', '--ready', 'message', '--share', mode]
      const report = await brood.launch(script, ...flags)
      assert.deepEqual(report.addresses, [])
      const ports = [...(await brood.run('logs', 'app', '-n', '100')).stdout.matchAll(/\w+ from (\d+)/g)].map(
        ([, port]) => port,
      )
      assert.equal(new Set(ports).size, 4 * (mode === 'balanced' ? 7 : 6))
    },
  )
}

test(
  'port 0 is one port for all workers, the same after a reload and another supervisor',
  bounded,
  async (t) => {
    const brood = Brood.create(t)
    const script = temporaryProgram(
      t,
      'zero.mjs',
      `${echo}
    const socket = serve('udp4', 0, () => console.log('bound', socket.address().port))`,
    )
    const { report, port } = await brood.start(script, '-w', '2', '--name', 'app')
    await answeredBy(port, pidsOf(report), t.signal)
    assert.equal((await brood.run('reload', 'app')).code, 0)
    await answeredBy(port, pidsOf((await brood.list())[0]), t.signal)
    await brood.replaced(await brood.killSupervisor())
    assert.equal((await brood.run('reload', 'app')).code, 0)
    const [now] = await brood.list()
    await answeredBy(port, pidsOf(now), t.signal)
    assert.deepEqual(now?.addresses, report.addresses)
    const bound = [...(await brood.run('logs', 'app', '-n', '100')).stdout.matchAll(/bound (\d+)/g)]
    assert.deepEqual(
      bound.map(([, one]) => Number(one)),
      Array.from({ length: 6 }, () => port),
    )
  },
)

test('a port that somebody has is refused, in the program as in plain Node', bounded, async (t) => {
  const brood = Brood.create(t)
  const stranger = dgram.createSocket('udp4').bind(0)
  t.after(() => stranger.close())
  await once(stranger, 'listening')
  const taken = stranger.address().port
  const start = async (name: string, port: number, script = program('udp.js')) => {
    const flags = ['--name', name, '-w', '2', '--env', `PORT=${port}`, '--json']
    const { code, stdout } = await brood.run('start', ...flags, script)
    return { code, error: JSON.parse(stdout).error }
  }
  const byStranger = await start('one', taken)
  assert.deepEqual([byStranger.code, byStranger.error.code], [1, 'port_in_use'])
  assert.match(byStranger.error.message, new RegExp(`^UDP port ${taken} is in use by pid ${process.pid} `))

  const { port } = await brood.start(program('udp.js'), '--name', 'first', '-w', '2')
  const bySibling = await start('second', port)
  assert.equal(bySibling.error.code, 'port_in_use')
  assert.match(bySibling.error.message, /another app of this supervisor/)

  const script = temporaryProgram(
    t,
    'catches.mjs',
    `import dgram from 'node:dgram'
    const socket = dgram.createSocket('udp4')
    socket.bind(${taken}, () => console.log('never'))
    socket.on('error', ({ code, syscall, address, port, message }) => {
      console.log(JSON.stringify({ code, syscall, address, port, message }))
      socket.bind({ port: 0, exclusive: true }, () => process.send('ready'))
    })`,
  )
  await brood.launch(script, '--name', 'third', '--ready', 'message')
  const log = (await brood.run('logs', 'third')).stdout
  assert.match(log, new RegExp(`"code":"EADDRINUSE","syscall":"bind","address":"0.0.0.0","port":${taken}`))
  assert.match(log, /"message":"bind EADDRINUSE: UDP port \d+ is in use by pid/)
  assert.doesNotMatch(log, /never/)
})

test('one program binds a port twice only where it says so', bounded, async (t) => {
  const brood = Brood.create(t)
  const [once, shared] = await Promise.all([freeUdpPort(), freeUdpPort()])
  const script = temporaryProgram(
    t,
    'twice.mjs',
    `${echo}
    serve({ type: 'udp4', reuseAddr: true }, ${shared})
    serve({ type: 'udp4', reuseAddr: true }, ${shared})
    serve('udp4', ${once}, () => {
      serve('udp4', ${once}).once('error', ({ code }) => {
        console.log('second', code)
        process.send('ready')
      })
    })`,
  )
  const report = await brood.launch(script, '--name', 'app', '-w', '2', '--ready', 'message')
  assert.match((await brood.run('logs', 'app')).stdout, /second EADDRINUSE/)
  await answeredBy(shared, pidsOf(report), t.signal)
  await answeredBy(once, pidsOf(report), t.signal)
})

test('every worker and its replacement joins a multicast group', bounded, async (t) => {
  const brood = Brood.create(t)
  const script = temporaryProgram(
    t,
    'multicast.mjs',
    `${echo}
    const socket = serve({ type: 'udp4', reuseAddr: true }, Number(process.env.PORT), () => {
      socket.addMembership('239.255.77.77', '127.0.0.1')
    })
    process.on('SIGTERM', () => {
      socket.dropMembership('239.255.77.77', '127.0.0.1')
      socket.close()
    })`,
  )
  for (const mode of ['slots', 'shared']) {
    const { port } = await brood.start(script, '--name', mode, '-w', '2', '--share', mode)
    for (let reload = 0; reload < 2; reload++) {
      const ran = await brood.run('reload', mode)
      assert.equal(ran.code, 0, ran.stderr)
      const pids = new Set(pidsOf((await brood.list()).find(({ name }) => name === mode)))
      const client = dgram.createSocket('udp4').bind(0, '127.0.0.1')
      await once(client, 'listening')
      client.setMulticastInterface('127.0.0.1')
      client.send('0', port, '239.255.77.77')
      const answerers = new Set<number>()
      // In slots each worker has a socket in the group and gets every datagram.
      while (answerers.size < (mode === 'slots' ? 2 : 1)) {
        const [message] = await once(client, 'message', { signal: t.signal })
        answerers.add(Number(String(message).split(' ')[1]))
      }
      client.close()
      assert.ok([...answerers].every((pid) => pids.has(pid)))
    }
  }
})

test(
  'a program that closes its socket leaves the queue to a sibling, and can bind again',
  bounded,
  async (t) => {
    const brood = Brood.create(t)
    const script = temporaryProgram(
      t,
      'rebinds.mjs',
      `${echo}
    const port = Number(process.env.PORT)
    const first = serve('udp4', port)
    process.on('SIGUSR2', () => first.close())
    process.on('SIGCONT', () => serve('udp4', port))
    setInterval(() => {}, 1000)`,
    )
    const port = await freeUdpPort()
    const flags = ['--name', 'app', '-w', '2', '--share', 'slots', '--env', `PORT=${port}`]
    const report = await brood.launch(script, ...flags)
    const [closing = 0, other = 0] = pidsOf(report)
    await answeredBy(port, pidsOf(report), t.signal)
    process.kill(closing, 'SIGUSR2')
    while ((await brood.show('app')).workers.every(({ adopted }) => adopted.length === 0));
    const answers = await Promise.all(Array.from({ length: 40 }, () => askDatagram(port, t.signal)))
    assert.ok(answers.every((pid) => pid === other))
    process.kill(closing, 'SIGCONT')
    await answeredBy(port, pidsOf(report), t.signal)
  },
)

test('a stopped app frees its port, and has it again when it starts', bounded, async (t) => {
  const brood = Brood.create(t)
  const port = await freeUdpPort()
  const flags = ['--name', 'app', '-w', '2', '--env', `PORT=${port}`]
  await brood.launch(program('udp.js'), ...flags)
  assert.equal((await brood.run('stop', 'app')).code, 0)
  const between = dgram.createSocket('udp4').bind(port)
  await once(between, 'listening')
  const refused = await brood.run('restart', 'app')
  assert.equal(refused.code, 1)
  assert.match(refused.stderr, new RegExp(`UDP port ${port} is in use by pid ${process.pid} `))
  between.close()
  await once(between, 'close')
  assert.equal((await brood.run('restart', 'app')).code, 0)
  await answeredBy(port, pidsOf((await brood.list())[0]), t.signal)
})

test('a worker taken back that drains alone loses nothing of what it had not read', bounded, async (t) => {
  const brood = Brood.create(t)
  const { port } = await brood.start(program('udp.js'), '--name', 'app', '-w', '3')
  await brood.replaced(await brood.killSupervisor())
  const stream = streamDatagrams(t, { port })
  assert.equal((await brood.run('scale', 'app', '1')).code, 0)
  const { sent } = stream.report
  await stream.until(({ answers }) => answers.size > sent + 50)
  stream.stop()
  await stream.until(({ sent, answers }) => answers.size === sent)
  assert.equal(portOf((await brood.list())[0] ?? assert.fail()), port)
})

test(
  'next to an HTTP server UDP is no sign of being ready: a reload fails no request',
  bounded,
  async (t) => {
    const brood = Brood.create(t)
    const script = temporaryProgram(
      t,
      'both.mjs',
      `${echo}
    import http from 'node:http'
    const server = http.createServer((request, response) => {
      response.setHeader('x-pid', process.pid)
      response.end()
    })
    serve('udp4', 0, () => setTimeout(() => server.listen(Number(process.env.PORT)), Number(process.env.LATE)))`,
    )
    const ports = ['--env', 'PORT=0', '--env', 'LATE=1500']
    const started = await brood.launch(script, '--name', 'app', '-w', '1', ...ports)
    assert.equal(started.addresses.length, 1, 'nobody could know of the server yet')
    const addresses = await brood.addresses('app', 2)
    const port = Number(addresses.find((one) => one.startsWith('*'))?.slice(2))
    const kinds = {
      keepAliveIdle: { clients: 8, idleFrom: 20, idleTo: 200 },
      short: { clients: 2, pause: 5 },
    }
    const load = startLoad({ port, signal: t.signal, kinds })
    await load.until(({ total }) => total.successes > 50)
    const begun = performance.now()
    assert.equal((await brood.run('reload', 'app')).code, 0)
    assert.ok(performance.now() - begun > 1500)
    const done = await load.stop()
    assert.deepEqual(done.examples, [], formatReport(done))
  },
)

test('a socket that is not to keep its process alive does not', bounded, async (t) => {
  const brood = Brood.create(t)
  const script = temporaryProgram(
    t,
    'unref.mjs',
    `${echo}
    dgram.createSocket('udp4').unref().bind(0, () => console.log('bound'))`,
  )
  await brood.run('start', script, '--name', 'app', '--restart', 'temporary')
  const { reason } = await brood.event(({ type }) => type === 'worker-exited')
  assert.match(reason ?? '', /code 0/)
})
