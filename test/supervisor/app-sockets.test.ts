// Who answers for a queue of UDP: it holds datagrams from its bind on, so there is no moment in which nobody does.
import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import { systemClock } from '../../src/kernel/clock.ts'
import type { Listener } from '../../src/supervisor/adoption.ts'
import { AppSockets } from '../../src/supervisor/app-sockets.ts'
import type { WorkerProcess } from '../../src/supervisor/worker-process.ts'
import type { HandlePurpose, SupervisorMessage, UdpAddress } from '../../src/wire/messages.ts'

const bounded = { timeout: 20_000, skip: process.platform !== 'linux' }
const address: UdpAddress = {
  kind: 'udp',
  host: '127.0.0.1',
  port: 0,
  ipv6Only: false,
  reuseAddr: false,
  ordinal: 0,
}

/** A worker of which only what it is told is of interest. */
function listener(slot: number): Listener & { readonly told: (HandlePurpose | SupervisorMessage)[] } {
  const told: (HandlePurpose | SupervisorMessage)[] = []
  const process: WorkerProcess = {
    pid: undefined,
    startedAt: 0,
    takesSockets: true,
    send: (message) => told.push(message),
    sendListener: (purpose) => told.push(purpose) > 0,
    sendConnection: () => false,
    sendClient: () => false,
    signal() {},
    signalLeader() {},
    endRest: () => Promise.resolve(),
  }
  return { slot, process, told }
}

function scene(t: TestContext, share: 'slots' | 'balanced') {
  const workers = new Map([0, 1].map((slot) => [slot + 1, listener(slot)]))
  const sockets = new AppSockets(
    { share, balance: undefined, ports: undefined, maxWorkers: 4 },
    systemClock,
    workers,
    {
      opened() {},
      stuck() {},
      given: () => undefined,
    },
  )
  t.after(() => sockets.close())
  const told = (id: number) => workers.get(id)?.told.map(({ type }) => type)
  return { sockets, told }
}

suite('a queue of UDP', () => {
  test('goes to a sibling when its worker dies before it has said that it reads', bounded, (t) => {
    const { sockets, told } = scene(t, 'slots')
    sockets.give(1, 0, address)
    const [key = ''] = sockets.keys
    sockets.listening(1, key)
    sockets.give(2, 0, address)
    sockets.left(2)
    assert.deepEqual(told(1), ['listen', 'adopt'])
    assert.deepEqual(sockets.adopted, [{ key, slot: 1, worker: 1 }])
  })

  test('is not there before a worker of its slot wants it', bounded, (t) => {
    const { sockets } = scene(t, 'slots')
    sockets.give(2, 0, address)
    assert.deepEqual(
      sockets.used.all.map(({ slot }) => slot),
      [1],
    )
    assert.deepEqual(
      sockets.used.within(4).map(({ slot }) => slot),
      [1],
    )
    assert.equal(sockets.socketsOf(0).size, 0)
    assert.equal(sockets.socketsOf(1).size, 1)
  })

  test('is refused in a mode that gives connections', bounded, (t) => {
    const { sockets, told } = scene(t, 'balanced')
    assert.equal(sockets.give(1, 0, { ...address, port: 5353 })?.code, 'share_mode_unfit')
    assert.deepEqual(told(1), ['refused'])
    assert.deepEqual(sockets.keys, [])
  })
})

suite('a worker that listens', () => {
  test('is ready, but with UDP only where the app has no server of connections', bounded, (t) => {
    const { sockets } = scene(t, 'slots')
    sockets.give(1, 0, address)
    const [udp = ''] = sockets.keys
    sockets.listening(1, udp)
    assert.ok(sockets.makesReady(udp))
    sockets.give(1, 1, { kind: 'tcp', host: '127.0.0.1', port: 0, ipv6Only: false, ordinal: 0 })
    const tcp = sockets.keys.find((key) => key !== udp) ?? ''
    assert.ok(sockets.makesReady(udp), 'nobody listens there yet')
    sockets.listening(1, tcp)
    assert.ok(!sockets.makesReady(udp))
    assert.ok(sockets.makesReady(tcp))
  })
})
