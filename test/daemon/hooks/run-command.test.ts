// Hooks that are commands: what they are given, what their failure says, and that nothing of them is left.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'node:test'
import { HandClock } from '../../support/hand-clock.ts'
import { processTest, ready } from '../../support/process/process-test.ts'
import { event, hooksFor, place } from './pieces.ts'

function crash(run: string): { on: ['crash']; run: string }[] {
  return [{ on: ['crash'], run }]
}

suite('a command', () => {
  processTest(
    'gets the event on stdin and in its environment, in the folder of the app',
    async ({ folder }) => {
      const { hooks, failures } = hooksFor(undefined, new HandClock())
      const where = place(folder)
      hooks.tell(
        crash('cat > body; env > env; pwd > cwd'),
        event({ slot: 3, pid: 77, reason: 'two\nlines' }),
        { ...where, env: { ...where.env, OF_THE_APP: 'yes' } },
      )
      await hooks.close()
      assert.deepEqual(failures.all, [])
      const read = (name: string): string => readFileSync(join(folder, name), 'utf8')
      const { id, ...body } = JSON.parse(read('body'))
      const at = '2030-01-01T00:00:00.000Z'
      assert.deepEqual(body, {
        on: 'crash',
        app: 'web',
        slot: 3,
        pid: 77,
        reason: 'two\nlines',
        at,
        host: 'one',
      })
      assert.equal(read('cwd'), `${folder}\n`)
      const env = read('env')
      for (const line of [
        'BROOD_EVENT=crash',
        `BROOD_EVENT_ID=${id}`,
        'BROOD_EVENT_APP=web',
        'BROOD_EVENT_SLOT=3',
        'BROOD_EVENT_PID=77',
        'BROOD_EVENT_REASON=two\nlines',
        `BROOD_EVENT_AT=${at}`,
        'BROOD_EVENT_HOST=one',
        'OF_THE_APP=yes',
      ]) {
        assert.ok(`\n${env}`.includes(`\n${line}\n`), `${line} is not in ${env}`)
      }
    },
  )

  processTest(
    'that fails is tried again; given up, it is reported with its last lines',
    async ({ folder }) => {
      const clock = new HandClock()
      const { hooks, failures } = hooksFor(undefined, clock)
      const failed = failures.next()
      hooks.tell(crash('echo once >> tries; seq 10; echo broken >&2; exit 3'), event(), place(folder))
      for (const delay of [1000, 4000, 16_000, 60_000]) {
        await clock.waiting(delay)
        clock.advance(delay)
      }
      assert.equal(await failed, 'it exited with code 3: 7\n8\n9\n10\nbroken (tried 5 times)')
      assert.equal(readFileSync(join(folder, 'tries'), 'utf8'), 'once\n'.repeat(5))
      await hooks.close()
    },
  )

  processTest('that takes too long is killed with all it has started', async (context) => {
    const clock = new HandClock()
    const { hooks, failures } = hooksFor(undefined, clock)
    const stubborn = "trap '' TERM; echo working; sleep 1000 & echo > ready; sleep 1000"
    hooks.tell(crash(stubborn), event(), place(context.folder))
    await ready(context)
    clock.advance(10_000)
    await clock.waiting(1000)
    await hooks.close()
    assert.match(failures.all[0]?.why ?? '', /^it took longer than 10 s: working/)
  })

  processTest('leaves nothing running when it succeeds', async ({ folder }) => {
    const { hooks, failures } = hooksFor(undefined, new HandClock())
    hooks.tell(crash('sleep 1000 & exit 0'), event(), place(folder))
    await hooks.close()
    assert.deepEqual(failures.all, [])
  })

  processTest('does not wait for what has left its group and holds its output open', async (context) => {
    const clock = new HandClock()
    const { hooks, failures } = hooksFor(undefined, clock)
    const leaver = `setsid sh -c 'echo $$ > pid; echo > ready; exec sleep 1000' & while ! [ -e ready ]; do :; done`
    hooks.tell(crash(leaver), event(), place(context.folder))
    await ready(context)
    await clock.waiting(200)
    clock.advance(200)
    await hooks.close()
    process.kill(Number(readFileSync(join(context.folder, 'pid'), 'utf8')), 'SIGKILL')
    assert.deepEqual(failures.all, [])
  })

  processTest('need not read the event, however long it is', async ({ folder }) => {
    const { hooks, failures } = hooksFor(undefined, new HandClock())
    hooks.tell(crash('exec 0<&-'), event({ reason: 'x\0y'.repeat(1_000_000) }), place(folder))
    await hooks.close()
    assert.deepEqual(failures.all, [])
  })

  processTest('without its folder fails and says so', async ({ folder }) => {
    const { hooks, failures } = hooksFor(undefined, new HandClock())
    hooks.tell(crash('true'), event(), place(join(folder, 'gone')))
    await hooks.close()
    assert.match(failures.all[0]?.why ?? '', /its cwd '.*gone' is not a folder/)
  })

  processTest('that runs when the supervisor ends is killed after a moment', async (context) => {
    const clock = new HandClock()
    const { hooks, failures } = hooksFor(undefined, clock)
    hooks.tell(crash("trap '' TERM; echo > ready; sleep 1000; sleep 1000"), event(), place(context.folder))
    await ready(context)
    const closed = hooks.close(500)
    clock.advance(500)
    await closed
    assert.deepEqual(
      failures.all.map(({ why }) => why),
      ['the supervisor ended'],
    )
  })
})
