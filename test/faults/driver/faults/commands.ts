// What people ask for, alone and at the same time, with good releases and bad ones.
import assert from 'node:assert/strict'
import { BroodError } from '../../../../src/kernel/errors.ts'
import type { Arena } from '../arena.ts'
import { type Fault, unharmed } from '../fault.ts'

/** Releases that must not replace a good one. `killed`: how many of its workers may have accepted requests before they died. */
const badReleases = [
  { source: "throw new Error('a bad release')\n", killed: 0 },
  { source: 'process.exit(0)\n', killed: 0 },
  {
    source:
      "import http from 'node:http'\n" +
      'http.createServer().listen(Number(process.env.PORT), () => setTimeout(() => process.exit(1), 20))\n',
    killed: 1,
  },
]

export const commands: readonly Fault[] = [
  {
    name: 'reload',
    async act({ supervision }) {
      await supervision.act('reload', 'web')
      return unharmed
    },
  },
  {
    name: 'reload a bad release',
    async act(arena) {
      const before = await arena.workers()
      const { source, killed } = arena.pick(badReleases)
      arena.breakRelease(source)
      try {
        const [result] = await arena.supervision.client.call('reload', { target: 'web' })
        assert.equal(result?.error?.code, 'not_ready', 'the bad release is refused')
        assert.deepEqual(await arena.workers(), before, 'the workers of the good release go on')
      } finally {
        arena.restoreRelease()
      }
      return { killed }
    },
  },
  {
    name: 'scale',
    async act(arena) {
      await scale(arena)
      return unharmed
    },
  },
  {
    name: 'restart the other app',
    async act({ supervision }) {
      await supervision.act('restart', 'side')
      return unharmed
    },
  },
  {
    name: 'delete the other app and start it again',
    async act(arena) {
      await arena.supervision.act('delete', 'side')
      await arena.startSide()
      return unharmed
    },
  },
  {
    name: 'race two commands',
    async act(arena) {
      await Promise.all([orRefused(race(arena)), orRefused(race(arena))])
      await readSize(arena)
      return unharmed
    },
  },
  {
    name: 'kill the supervisor in the middle of a command',
    async act(arena) {
      const command = orRefused(race(arena))
      await arena.supervision.kill()
      await command
      await arena.supervision.back(arena.signal)
      await readSize(arena)
      return unharmed
    },
  },
]

function race(arena: Arena): Promise<unknown> {
  const { supervision } = arena
  const all = [
    () => supervision.client.call('reload', { target: 'web' }),
    () => supervision.client.call('reload', { target: 'web/0' }),
    () => scale(arena),
    () => supervision.client.call('restart', { target: 'side' }),
    () => supervision.client.call('signal', { target: 'web', signal: 'SIGCONT' }),
  ]
  return arena.pick(all)()
}

async function scale(arena: Arena): Promise<void> {
  const size = arena.between(2, 4)
  await arena.supervision.client.call('scale', { app: 'web', change: `${size}` })
  arena.sizes.set('web', size)
}

/** Which of the commands came first decides. */
async function readSize(arena: Arena): Promise<void> {
  arena.sizes.set('web', (await arena.web())?.size ?? 0)
}

/** Turned away, or cut short with its supervisor: both are clear answers. */
async function orRefused(command: Promise<unknown>): Promise<void> {
  try {
    await command
  } catch (error) {
    const expected = ['busy', 'supervisor_unreachable', 'no_such_app', 'no_supervisor']
    assert.ok(error instanceof BroodError && expected.includes(error.code), String(error))
  }
}
