// The end of a child and of everything below it: stop, kill, and the death of the parent.
import assert from 'node:assert/strict'
import { suite } from 'node:test'
import { type Child, type ChildOptions, spawn } from '../../src/process/index.ts'
import { gone, isAlive, processTest, programPath, ready } from '../support/process/process-test.ts'
import { throwsWith } from '../support/process/rejects-with.ts'

/** A child that has started others, whose numbers it has told. */
async function family(options: ChildOptions, manner = ''): Promise<{ child: Child; all: number[] }> {
  const child = spawn(process.execPath, [programPath('has-descendants.cjs'), '0', manner], {
    ...options,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const line = await child.stdout?.lines().next()
  const all = String(line?.value).split(' ').map(Number)
  assert.equal(all.length, 3)
  assert.ok(all.every(isAlive))
  return { child, all }
}

const places: readonly [name: string, options: ChildOptions][] = [
  ['in this process’s group', {}],
  ['in a group of its own', { ownGroup: true }],
]

for (const [place, options] of places) {
  suite(`a child with descendants ${place}`, () => {
    processTest('is stopped with all of them', async () => {
      const { child, all } = await family(options)
      const exit = await child.stop()
      assert.deepEqual([exit.signal, exit.askedBy], ['SIGTERM', 'stop'])
      assert.deepEqual(all.filter(isAlive), [])
    })

    processTest('is killed with all of them when they ignore the signal', async () => {
      const { child, all } = await family(options, 'stubborn')
      const exit = await child.stop({ grace: 50 })
      assert.deepEqual([exit.signal, exit.askedBy], ['SIGKILL', 'stop'])
      assert.deepEqual(all.filter(isAlive), [])
    })

    processTest('is killed at once with all of them', async () => {
      const { child, all } = await family(options, 'stubborn')
      await child.kill()
      assert.deepEqual(all.filter(isAlive), [])
    })

    processTest('can be killed while a stop waits out its grace period', async () => {
      const { child, all } = await family(options, 'stubborn')
      const stopping = child.stop({ grace: 60_000 })
      assert.equal((await child.kill()).askedBy, 'stop') // who asked first
      await stopping
      assert.deepEqual(all.filter(isAlive), [])
    })
  })
}

suite('a child', () => {
  processTest('that has exited can still have its group ended', async ({ signal }) => {
    const line = 'sleep 1000 <&- >&- 2>&- & echo $!'
    await using child = spawn('/bin/sh', ['-c', line], { ownGroup: true })
    const below = Number(await child.stdout?.text())
    assert.equal((await child.exit).code, 0)
    assert.ok(isAlive(below))
    await child.stop()
    await gone([below], signal)
  })

  processTest('can be signalled alone, and tells that this side did it', async (context) => {
    await using child = spawn(process.execPath, [programPath('describes-itself.js'), 'stay'])
    await ready(context)
    throwsWith('usage', () => child.signal('SIGNOTHING' as NodeJS.Signals))
    assert.equal(child.signal('SIGHUP'), true)
    const exit = await child.exit
    assert.deepEqual([exit.signal, exit.askedBy], ['SIGHUP', 'kill'])
    assert.equal(child.signal('SIGHUP'), false)
    throwsWith('usage', () => child.stop({ grace: -1 }))
    throwsWith('usage', () => child.stop({ signal: 'TERM' as NodeJS.Signals }))
    assert.equal(await child.stop(), exit)
    assert.equal(await child.kill(), exit)
  })
})

/** Another process that is a parent: its number and its child's. */
async function parentOf(...words: string[]): Promise<{ parent: Child; parentPid: number; childPid: number }> {
  const parent = spawn(process.execPath, [programPath('is-parent.ts'), ...words], {
    stdio: ['pipe', 'pipe', 'inherit'],
    parentDeath: 'survive',
  })
  const line = await parent.stdout?.lines().next()
  const [parentPid = 0, childPid = 0] = String(line?.value).split(' ').map(Number)
  assert.ok(isAlive(childPid))
  return { parent, parentPid, childPid }
}

suite('when a parent dies, its child', () => {
  processTest("with parentDeath 'end' ends even though the parent was killed with -9", async ({ signal }) => {
    const { parentPid, childPid } = await parentOf('end', 'stay')
    process.kill(parentPid, 'SIGKILL')
    await gone([parentPid, childPid], signal)
  })

  processTest("with parentDeath 'end' is killed when it ignores the signal", async ({ signal }) => {
    const { parentPid, childPid } = await parentOf('end', 'stay', 'stubborn')
    process.kill(parentPid, 'SIGKILL')
    await gone([parentPid, childPid], signal)
  })

  processTest(
    "with parentDeath 'end' keeps no parent, and leaves no watcher, when it ends first",
    async () => {
      const { parent, childPid } = await parentOf('end', 'wait')
      process.kill(childPid, 'SIGTERM')
      assert.equal((await parent.exit).code, 0)
    },
  )

  processTest('by default ends with the orderly exit of the parent', async ({ signal }) => {
    const { parent, childPid } = await parentOf('end-on-exit', 'exit')
    parent.stdin?.end('now')
    assert.equal((await parent.exit).code, 0)
    await gone([childPid], signal)
  })

  for (const [parentDeath, manner] of [
    ['detached', 'exit'],
    ['detached', 'unref'],
    ['survive', 'unref'],
  ] as const) {
    processTest(
      `that is to survive (${parentDeath}) does so, when the parent leaves by ${manner}`,
      async () => {
        const { parent, childPid } = await parentOf(parentDeath, manner)
        parent.stdin?.end('now')
        assert.equal((await parent.exit).code, 0)
        assert.ok(isAlive(childPid))
        process.kill(childPid, 'SIGKILL')
      },
    )
  }

  processTest('detached survives a parent that was killed with -9', async ({ signal }) => {
    const { parentPid, childPid } = await parentOf('detached', 'stay')
    process.kill(parentPid, 'SIGKILL')
    await gone([parentPid], signal)
    assert.ok(isAlive(childPid))
    process.kill(childPid, 'SIGKILL')
  })
})
