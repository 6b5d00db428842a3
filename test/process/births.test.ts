// What holds for a child whatever its birth: one suite, run against spawn, fork, exec and execFile.
import assert from 'node:assert/strict'
import { realpathSync } from 'node:fs'
import { suite } from 'node:test'
import { pathToFileURL } from 'node:url'
import {
  type Child,
  type ChildOptions,
  exec,
  execFile,
  fork,
  ProcessError,
  spawn,
} from '../../src/process/index.ts'
import { processTest, programPath, ready } from '../support/process/process-test.ts'
import { rejectsWith, throwsWith } from '../support/process/rejects-with.ts'

interface Born {
  readonly child: Child
  /** What it printed, when it has ended in whatever way. */
  readonly printed: Promise<readonly [stdout: string, stderr: string]>
}

type Birth = (words: readonly string[], options?: ChildOptions) => Born

const program = programPath('describes-itself.js')

const births: Readonly<Record<string, Birth>> = {
  spawn: (words, options) => collected(spawn(process.execPath, [program, ...words], options)),
  fork: (words, options) => collected(fork(program, words, { ...options, silent: true })),
  exec: (words, options) => finished(exec({ ...options })`exec ${process.execPath} ${program} ${words}`),
  execFile: (words, options) => finished(execFile(process.execPath, [program, ...words], options)),
}

function collected(child: Child): Born {
  return { child, printed: Promise.all([child.stdout?.text() ?? '', child.stderr?.text() ?? '']) }
}

function finished(run: ReturnType<typeof execFile>): Born {
  const printed = run.then(
    ({ stdout, stderr }) => [stdout, stderr] as const,
    (error: unknown) => {
      assert.ok(error instanceof ProcessError, String(error))
      return [String(error.stdout), String(error.stderr)] as const
    },
  )
  return { child: run.child, printed }
}

for (const [name, birth] of Object.entries(births)) {
  suite(`a child born by ${name}`, () => {
    processTest(
      'gets its arguments as they are, and its folder and environment',
      async ({ folder, mark }) => {
        const words = [
          'exit',
          '0',
          '',
          'two words',
          "it's",
          '$HOME `id` "quoted" \\ *',
          'line\nbreak',
          'ü 漢字 🐦',
        ]
        const env = { PATH: process.env.PATH, COLOR: 'green', NOTHING: undefined, ...mark }
        const { child, printed } = birth(words, { cwd: pathToFileURL(folder), env })
        const [stdout, stderr] = await printed
        assert.deepEqual(JSON.parse(stdout), { args: words, cwd: realpathSync(folder), color: 'green' })
        assert.equal(stderr, 'to stderr\n')
        assert.equal((await child.exit).code, 0)
      },
    )

    processTest('tells how it ended by itself', async () => {
      const before = Date.now()
      const { child, printed } = birth(['exit', '7'])
      await child.spawned
      const { startedAt, endedAt, ...exit } = await child.exit
      assert.deepEqual(exit, { code: 7, signal: null, askedBy: 'itself' })
      assert.ok(before <= startedAt && startedAt < endedAt && endedAt <= Date.now())
      assert.equal(child.isRunning, false)
      await printed
    })

    processTest('can be stopped', async (context) => {
      const born = birth(['stay'])
      await ready(context)
      const exit = await born.child.stop()
      assert.deepEqual([exit.signal, exit.askedBy], ['SIGTERM', 'stop'])
      await born.printed
    })

    processTest('that ignores the signal is killed after the grace period', async (context) => {
      const born = birth(['stubborn'])
      await ready(context)
      const exit = await born.child.stop({ grace: 100 })
      assert.deepEqual([exit.signal, exit.askedBy], ['SIGKILL', 'stop'])
      await born.printed
    })

    processTest('can be killed at once', async (context) => {
      const born = birth(['stubborn'])
      await ready(context)
      const exit = await born.child.kill()
      assert.deepEqual([exit.signal, exit.askedBy], ['SIGKILL', 'kill'])
      await born.printed
    })

    processTest('has no more time than its timeout', async () => {
      const { child, printed } = birth(['stay'], { timeout: 50 })
      assert.equal((await child.exit).askedBy, 'timeout')
      await printed
    })

    processTest('is stopped by an AbortSignal', async () => {
      const control = new AbortController()
      const { child, printed } = birth(['stay'], { signal: control.signal })
      await child.spawned
      control.abort()
      assert.equal((await child.exit).askedBy, 'abort')
      await printed
    })

    processTest('is not started with an aborted signal', async () => {
      throwsWith('aborted', () => birth(['stay'], { signal: AbortSignal.abort() }))
    })

    processTest('tells a signal from elsewhere apart', async (context) => {
      const born = birth(['stay'])
      await ready(context)
      process.kill(born.child.pid ?? 0, 'SIGHUP')
      const exit = await born.child.exit
      assert.deepEqual([exit.signal, exit.askedBy], ['SIGHUP', 'outside'])
      await born.printed
    })

    processTest('ends with its `await using`', async () => {
      const started: Born[] = []
      {
        const born = birth(['stay'])
        await using child = born.child
        await child.spawned
        started.push(born)
      }
      assert.equal(started[0]?.child.isRunning, false)
      await started[0]?.printed
    })

    processTest('says what is wrong with its folder', async ({ folder }) => {
      const { child, printed } = birth(['exit'], { cwd: `${folder}/missing` })
      const error = await rejectsWith('spawn_failed', child.spawned)
      assert.match(error.message, /cwd '.*\/missing' is not a folder/)
      await rejectsWith('spawn_failed', child.exit)
      await rejectsWith('spawn_failed', child.stop())
      assert.equal(child.pid, undefined)
      await child[Symbol.asyncDispose]()
      await printed
    })

    processTest('refuses options that do not exist or are of a wrong kind', async () => {
      const bad: [options: object, message: RegExp][] = [
        [{ timout: 5 }, /has no option 'timout'; there are cwd, /],
        [{ timeout: '5s' }, /timeout is milliseconds .* not "5s"/],
        [{ timeout: -1 }, /timeout is milliseconds .* not -1/],
        [{ timeout: Number.NaN }, /timeout is milliseconds/],
        [{ cwd: 5 }, /cwd is a path/],
        [{ cwd: 'a\0b' }, /cwd is a path/],
        [{ env: { A: 5 } }, /env is an object of texts/],
        [{ stop: { signal: 'SIGNOTHING' } }, /stop is an object with signal/],
        [{ stop: { sgnal: 'SIGTERM' } }, /stop is an object with signal/],
        [{ signal: 'SIGTERM' }, /signal is an AbortSignal; the signal to stop with is stop.signal/],
        [{ detached: 'yes' }, /detached is true or false/],
        [{ parentDeath: 'die' }, /parentDeath is 'survive' or/],
        [{ maxMessage: 1.5 }, /maxMessage is a whole number/],
      ]
      for (const [options, message] of bad) {
        assert.match(throwsWith('usage', () => birth([], options)).message, message)
      }
      assert.match(throwsWith('usage', () => birth(['a\0b'])).message, /NUL/)
    })
  })
}
