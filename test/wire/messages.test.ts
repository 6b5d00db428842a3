// Address keys tell apart what must not share a socket, and only brood's own messages are taken for brood's.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import {
  addressKey,
  asSupervisorMessage,
  handlePurpose,
  isUdpKey,
  type ListenAddress,
} from '../../src/wire/messages.ts'

const tcp = (host: string | undefined, port: number, ipv6Only = false, ordinal = 0): ListenAddress => ({
  kind: 'tcp',
  host,
  port,
  ipv6Only,
  ordinal,
})

const udp = (host: string, port: number, ordinal = 0, ipv6Only = false): ListenAddress => ({
  kind: 'udp',
  host,
  port,
  ipv6Only,
  reuseAddr: false,
  ordinal,
})

suite('the key of an address', () => {
  const keys: [ListenAddress, string][] = [
    [tcp(undefined, 3000), '*:3000'],
    [tcp('0.0.0.0', 3000), '0.0.0.0:3000'],
    [tcp('127.0.0.1', 8080), '127.0.0.1:8080'],
    [tcp('::1', 80), '[::1]:80'],
    [tcp('::', 80), '[::]:80'],
    [tcp('::', 80, true), '[::]:80/v6'],
    [tcp(undefined, 0), '*:0#0'],
    [tcp(undefined, 0, false, 1), '*:0#1'],
    [tcp('::', 0, true, 2), '[::]:0#2/v6'],
    [tcp(undefined, 3000, false, 5), '*:3000'],
    [{ kind: 'unix', path: '/run/x.sock' }, 'unix:/run/x.sock'],
    [udp('0.0.0.0', 5353), 'udp:*:5353'],
    [udp('::', 5353), 'udp:[::]:5353'],
    [udp('::', 5353, 0, true), 'udp:[::]:5353/v6'],
    [udp('127.0.0.1', 5353), 'udp:127.0.0.1:5353'],
    [udp('::1', 53), 'udp:[::1]:53'],
    [udp('0.0.0.0', 0), 'udp:*:0#0'],
    [udp('0.0.0.0', 5353, 1), 'udp:*:5353#1'],
  ]
  for (const [address, key] of keys) test(`is ${key}`, () => assert.equal(addressKey(address), key))

  test('tells UDP from all others', () => {
    for (const [address, key] of keys) assert.equal(isUdpKey(key), address.kind === 'udp', key)
  })
})

suite('a message that came with a handle', () => {
  test('is brood’s if it has the key `brood` with a type', () => {
    const purpose = { type: 'listen', request: 1 }
    assert.equal(handlePurpose({ brood: purpose }), purpose)
  })

  const others = [
    undefined,
    null,
    'brood',
    1,
    [],
    {},
    { cmd: 'NODE_HANDLE' },
    { brood: 1 },
    { brood: null },
    { brood: {} },
  ]
  for (const message of others) {
    test(`is the program’s own if it is ${JSON.stringify(message)}`, () => {
      assert.equal(handlePurpose(message), undefined)
    })
  }
})

suite('a message on the control channel', () => {
  for (const type of ['refused', 'taken', 'release', 'drain', 'ping', 'probe']) {
    test(`of type ${type} is the supervisor’s`, () => {
      const message = { type }
      assert.equal(asSupervisorMessage(message), message)
    })
  }

  const wrong = [
    undefined,
    null,
    1,
    'drain',
    [],
    {},
    { type: 1 },
    { type: 'hello' },
    { type: 'constructor' },
    { type: ['drain'] },
  ]
  for (const message of wrong) {
    test(`is refused if it is ${JSON.stringify(message)}`, () => {
      assert.equal(asSupervisorMessage(message), undefined)
    })
  }
})
