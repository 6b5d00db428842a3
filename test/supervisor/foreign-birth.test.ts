// Programs that are not Node's: what is started, and what they find at the descriptors they were given.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { bindSharedPath } from '../../src/listen/shared/shared-socket.ts'
import { bindSlots } from '../../src/listen/slots/slot-sockets.ts'
import { type Child, spawn } from '../../src/process/index.ts'
import { type ForeignSettings, foreignBirth } from '../../src/supervisor/foreign-birth.ts'
import { type AnySocket, stdioOf } from '../../src/wire/any-socket.ts'
import { processTest } from '../support/process/process-test.ts'

const settings: ForeignSettings = {
  script: '/srv/app.py',
  args: ['--loud', 'two words'],
  interpreter: 'python3',
  interpreterArgs: ['-u'],
  env: { PATH: '/bin', PORT: '3000' },
  sockets: [],
}

suite('the command of a foreign program', () => {
  test('is the interpreter with the script', () => {
    assert.deepEqual(foreignBirth(settings), {
      file: 'python3',
      args: ['-u', '/srv/app.py', '--loud', 'two words'],
      env: { PATH: '/bin', PORT: '3000' },
    })
  })

  test('is the script itself without an interpreter', () => {
    const { file, args } = foreignBirth({ ...settings, interpreter: 'none' })
    assert.deepEqual([file, args], ['/srv/app.py', ['--loud', 'two words']])
  })

  test('does not inherit sockets that the supervisor was given', () => {
    const env = { LISTEN_FDS: '2', LISTEN_PID: '1', LISTEN_FDNAMES: 'a:b', PATH: '/bin' }
    assert.deepEqual(foreignBirth({ ...settings, env }).env, { PATH: '/bin' })
  })

  test('names sockets by their addresses, with what the protocol admits', () => {
    const sockets = ['*:3000', '[::1]:80/v6', 'unix:/run/my app.sock', 'x'.repeat(300)]
    const { LISTEN_FDS, LISTEN_FDNAMES } = foreignBirth({ ...settings, sockets }).env
    assert.equal(LISTEN_FDS, '4')
    assert.deepEqual(LISTEN_FDNAMES?.split(':'), [
      '*-3000',
      '[--1]-80/v6',
      'unix-/run/my-app.sock',
      'x'.repeat(255),
    ])
  })
})

interface Told {
  readonly pid: number
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly nodeOptions: string | null
  readonly sockets: readonly { readonly listens: boolean; readonly blocking: boolean }[]
}

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/foreign/${name}`, import.meta.url))
const skip = spawnSync('python3', ['--version']).status === 0 ? false : 'there is no python3'
const loopback = { host: '127.0.0.1', port: 0, ipv6Only: false }

async function startPython(
  sockets: ReadonlyMap<string, AnySocket>,
  args: readonly string[],
): Promise<{ child: Child; told: Told }> {
  const environment = Object.entries(process.env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  )
  const {
    file,
    args: all,
    env,
  } = foreignBirth({
    script: fixture('listens-on-given-sockets.py'),
    args,
    interpreter: 'python3',
    interpreterArgs: [],
    // Would end the helper, if it came that far.
    env: { ...Object.fromEntries(environment), NODE_OPTIONS: '--require /no/such/file' },
    sockets: [...sockets.keys()],
  })
  const stdio = ['ignore', 'pipe', 'inherit', ...[...sockets.values()].map((one) => stdioOf(one))] as const
  const child = spawn(file, all, { env, ownGroup: true, stdio })
  const line = await child.stdout?.lines().next()
  return { child, told: JSON.parse(String(line?.value)) }
}

async function answerOf(client: Socket): Promise<string> {
  client.write('GET / HTTP/1.0\r\n\r\n')
  return (await text(client)).split('\r\n\r\n')[1] ?? ''
}

if (skip === false) {
  suite('a Python server with sockets of the supervisor', () => {
    processTest('gets them listening and blocking, and its own pid in LISTEN_PID', async ({ folder }) => {
      const tcp = bindSlots('*:0#1', loopback, 2)
      const path = join(folder, 'x.sock')
      const unix = bindSharedPath(`unix:${path}`, path)
      try {
        const sockets = new Map([
          [tcp.key, tcp.socketOf(0)],
          [unix.key, unix.socketOf(0)],
        ])
        const { child, told } = await startPython(sockets, ['two words'])
        assert.equal(told.pid, child.pid)
        assert.deepEqual(told.env, {
          LISTEN_FDS: '2',
          LISTEN_FDNAMES: `*-0#1:unix-${path}`,
          LISTEN_PID: `${child.pid}`,
        })
        assert.deepEqual(told.args, ['two words'])
        assert.equal(told.nodeOptions, '--require /no/such/file')
        assert.deepEqual(
          told.sockets.map(({ listens, blocking }) => [listens, blocking]),
          [
            [true, true],
            [true, true],
          ],
        )
        assert.equal(await answerOf(connect({ host: '127.0.0.1', port: tcp.port ?? 0 })), `${child.pid}`)
        assert.equal(await answerOf(connect(path)), `${child.pid}`)
        await child.stop()
      } finally {
        tcp.close()
        unix.close()
      }
    })

    processTest(
      'is followed by another on the same queue, which serves who waited between them',
      async () => {
        const tcp = bindSlots('*:0#1', loopback, 1)
        try {
          const sockets = new Map([[tcp.key, tcp.socketOf(0)]])
          const first = await startPython(sockets, ['non-blocking'])
          await first.child.stop()
          const client = connect({ host: '127.0.0.1', port: tcp.port ?? 0 })
          await once(client, 'connect')
          const second = await startPython(sockets, [])
          // Nobody touches a socket that listens already: a sibling may rely on how it has made it.
          assert.deepEqual(second.told.sockets[0]?.blocking, false)
          assert.equal(await answerOf(client), `${second.child.pid}`)
          await second.child.stop()
        } finally {
          tcp.close()
        }
      },
    )
  })
} else {
  test('a Python server with sockets of the supervisor', { skip })
}

suite('a program without sockets', () => {
  processTest('is any binary, ended by its signal', async () => {
    const { file, args } = foreignBirth({
      ...settings,
      script: '/bin/sleep',
      args: ['1000'],
      interpreter: 'none',
    })
    const child = spawn(file, args, { ownGroup: true, stdio: 'ignore' })
    await child.spawned
    const { signal } = await child.stop()
    assert.equal(signal, 'SIGTERM')
  })

  processTest('is a shell script that ends in order on SIGTERM', async () => {
    const script = fixture('traps-sigterm.sh')
    for (const interpreter of ['none', '/bin/sh']) {
      const { file, args } = foreignBirth({
        ...settings,
        script,
        args: ['one'],
        interpreter,
        interpreterArgs: [],
      })
      const child = spawn(file, args, { ownGroup: true, stdio: ['ignore', 'pipe', 'ignore'] })
      const lines = child.stdout?.lines()
      assert.equal((await lines?.next())?.value, `ready ${child.pid} one`)
      const stopped = child.stop()
      assert.equal((await lines?.next())?.value, 'ended in order')
      assert.equal((await stopped).code, 3)
    }
  })

  processTest('fails with what its shell says when it is not there, also with sockets', async () => {
    const tcp = bindSlots('*:0#1', loopback, 1)
    try {
      const { file, args } = foreignBirth({
        ...settings,
        interpreter: '/no/such/program',
        sockets: [tcp.key],
      })
      const child = spawn(file, args, {
        ownGroup: true,
        stdio: ['ignore', 'ignore', 'pipe', stdioOf(tcp.socketOf(0))],
      })
      assert.match((await child.stderr?.text()) ?? '', /\/no\/such\/program.*not found/)
      assert.equal((await child.exit).code, 127)
    } finally {
      tcp.close()
    }
  })

  processTest('is not started when its descriptor is no socket', async () => {
    const { file, args } = foreignBirth({ ...settings, interpreter: '/bin/echo', sockets: ['*:0#1'] })
    const child = spawn(file, args, { ownGroup: true, stdio: ['ignore', 'pipe', 'pipe', 'ignore'] })
    assert.match((await child.stderr?.text()) ?? '', /brood: the socket at descriptor 3 cannot listen: /)
    assert.equal(await child.stdout?.text(), '')
    assert.equal((await child.exit).code, 1)
  })
})
