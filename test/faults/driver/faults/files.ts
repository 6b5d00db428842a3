// Files of the home that are broken or gone, and a disk without room.
import assert from 'node:assert/strict'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Arena } from '../arena.ts'
import { type Fault, unharmed } from '../fault.ts'

const spoiled: readonly { name: string; spoil(path: string): void }[] = [
  {
    name: 'cut the state short, and kill the supervisor',
    spoil: (path) => writeFileSync(path, readFileSync(path, 'utf8').slice(0, 100)),
  },
  { name: 'empty the state, and kill the supervisor', spoil: (path) => writeFileSync(path, '') },
  {
    name: 'fill the state with garbage, and kill the supervisor',
    spoil: (path) => writeFileSync(path, '\0\xff{"version":2,"apps":[{}]}'),
  },
  { name: 'delete the state, and kill the supervisor', spoil: (path) => rmSync(path) },
]

export const files: readonly Fault[] = [
  ...spoiled.map(
    ({ name, spoil }): Fault => ({
      name,
      async act(arena) {
        await saveTwice(arena)
        spoil(join(arena.brood.home, 'state.json'))
        await arena.supervision.kill()
        return unharmed
      },
    }),
  ),
  {
    name: 'delete the control socket, and kill the supervisor',
    async act({ brood, supervision }) {
      const pid = await supervision.pid()
      rmSync(join(brood.home, 'control.sock'))
      process.kill(pid, 'SIGKILL')
      return unharmed
    },
  },
  {
    name: 'fill the disk, then reload',
    impossible: withoutDisk,
    act: (arena) =>
      onFullDisk(arena, async ({ supervision }) => {
        await supervision.act('reload', 'web')
      }),
  },
  {
    name: 'fill the disk, then kill the supervisor',
    impossible: withoutDisk,
    act: (arena) =>
      onFullDisk(arena, async ({ supervision, signal }) => {
        await supervision.kill()
        await supervision.back(signal)
      }),
  },
]

/** The state before the last change counts when the state is spoilt; now it says the same. */
async function saveTwice({ supervision, sizes }: Arena): Promise<void> {
  for (let time = 0; time < 2; time++) {
    await supervision.client.call('scale', { app: 'web', change: `${sizes.get('web')}` })
  }
}

function withoutDisk({ disk }: Arena): string | undefined {
  return disk === undefined ? 'no file system can be mounted here' : undefined
}

async function onFullDisk(arena: Arena, act: (arena: Arena) => Promise<void>): Promise<typeof unharmed> {
  assert.ok(arena.disk)
  arena.disk.fill()
  try {
    await act(arena)
  } finally {
    arena.disk.makeRoom()
  }
  return unharmed
}
