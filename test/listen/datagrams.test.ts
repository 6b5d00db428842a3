// The sockets of one UDP address: none is bound before it is asked for, and which share modes have any.
import assert from 'node:assert/strict'
import dgram from 'node:dgram'
import { once } from 'node:events'
import { suite, test } from 'node:test'
import { BroodError } from '../../src/kernel/errors.ts'
import { openDatagrams } from '../../src/listen/datagrams/datagram-sockets.ts'
import { openAddress, sharesDatagrams } from '../../src/listen/open-address.ts'
import { closeSocket } from '../../src/wire/any-socket.ts'
import type { UdpAddress } from '../../src/wire/messages.ts'
import { inodeOf } from '../../src/wire/socket-inode.ts'
import { freeUdpPort } from '../support/free-port.ts'

const bounded = { timeout: 20_000 }
const spread = process.platform === 'linux'

function loopback(port: number): UdpAddress {
  return { kind: 'udp', host: '127.0.0.1', port, ipv6Only: false, reuseAddr: false, ordinal: 0 }
}

function refused(code: string): (error: unknown) => boolean {
  return (error) => error instanceof BroodError && error.code === code
}

suite('the sockets of a UDP address', () => {
  test('are bound one by one, to one port', { ...bounded, skip: !spread }, () => {
    const sockets = openDatagrams(loopback(0), 3)
    assert.deepEqual(
      [0, 1, 2].map((slot) => sockets.isBound(slot)),
      [false, false, false],
    )
    assert.equal(sockets.port, undefined)
    const first = sockets.socketOf(1)
    const { port } = sockets
    assert.ok(port !== undefined && port > 0)
    assert.equal(sockets.label, `udp 127.0.0.1:${port}`)
    assert.deepEqual(
      [0, 1, 2].map((slot) => sockets.isBound(slot)),
      [false, true, false],
    )
    assert.notEqual(inodeOf(sockets.socketOf(2)), inodeOf(first))
    assert.equal(inodeOf(sockets.socketOf(4)), inodeOf(first), 'slots beyond take them in turn')
    assert.equal(sockets.port, port)
    sockets.close()
    assert.ok(!sockets.isBound(1))
  })

  test('are those that an earlier supervisor left', bounded, () => {
    const before = openDatagrams(loopback(0), 1)
    const left = before.socketOf(0)
    const after = openDatagrams(loopback(0), 2, { sockets: new Map([[0, left]]), occupied: true })
    assert.equal(after.port, before.port)
    assert.equal(after.socketOf(0), left)
    after.close()
  })

  test('are refused where somebody else has the port, also one that only shares it', bounded, async (t) => {
    for (const reusePort of spread ? [false, true] : [false]) {
      const stranger = dgram.createSocket({ type: 'udp4', reusePort }).bind(0)
      t.after(() => stranger.close())
      await once(stranger, 'listening')
      assert.throws(() => openDatagrams(loopback(stranger.address().port), 2), refused('port_in_use'))
    }
  })

  test('are refused where no interface has the address', bounded, async () => {
    const port = await freeUdpPort()
    const elsewhere = { ...loopback(port), host: '192.0.2.1' }
    assert.throws(() => openDatagrams(elsewhere, 1), refused('address_invalid'))
  })
})

suite('a share mode', () => {
  test('shares UDP ports or refuses them', bounded, () => {
    for (const mode of ['slots', 'shared'] as const) {
      const sockets = openAddress(loopback(0), { mode, slots: 4 })
      assert.ok(sharesDatagrams(mode))
      assert.equal(sockets.queues, mode === 'slots' && spread ? 4 : 1)
      closeSocket(sockets.socketOf(0))
    }
    for (const mode of ['balanced', 'ports'] as const) {
      assert.ok(!sharesDatagrams(mode))
      assert.throws(() => openAddress(loopback(5353), { mode, slots: 4 }), refused('share_mode_unfit'))
    }
  })
})
