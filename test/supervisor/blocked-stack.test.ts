// Guarantee 5: a blocked loop's stack is had from outside, and where none can be had, it is said why.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { suite, type TestContext, test } from 'node:test'
import { captureStack } from '../../src/supervisor/blocked-stack.ts'
import { startBlocking } from '../support/blocked.ts'
import { temporaryProgram } from '../support/temporary.ts'

const bounded = { timeout: 60_000 }
/** Plenty, for a machine with other things to do. */
const within = 20_000
/** For what never gives one: waited for in full. */
const brief = 1500

const cjs = `const { writeSync } = require('node:fs')
function outer() { middle() }
const middle = () => process.emit('go')
process.on('go', inner)
function inner() {
  writeSync(1, 'blocks')
  for (;;);
}
setImmediate(outer)
`
const esm = `import { writeSync } from 'node:fs'
const text = JSON.stringify(Array.from({ length: 200_000 }, (_, id) => ({ id, name: 'x' })))
class Report {
  read() {
    writeSync(1, 'blocks')
    for (;;) this.parse()
  }
  parse() {
    return JSON.parse(text)
  }
}
new Report().read()
`
const typed = `import { writeSync } from 'node:fs'
interface Lock {
  readonly cell: Int32Array
}
function waitFor(lock: Lock): void {
  writeSync(1, 'blocks')
  Atomics.wait(lock.cell, 0, 0)
}
waitFor({ cell: new Int32Array(new SharedArrayBuffer(4)) } satisfies Lock)
`
const starving = `const { writeSync } = require('node:fs')
function again() { process.nextTick(again) }
again()
writeSync(1, 'blocks')
`

const programs: [name: string, source: string, frames: RegExp[]][] = [
  [
    'loop.cjs',
    cjs,
    [/^at inner \(.*loop\.cjs:7:\d+\)$/, /^at middle \(.*:3:\d+\)$/, /^at outer \(.*:2:\d+\)$/],
  ],
  [
    'parse.mjs',
    esm,
    [/^at parse \(.*parse\.mjs:[89]:\d+\)$/, /^at read \(.*parse\.mjs:6:\d+\)$/, /^at .*parse\.mjs:12:\d+$/],
  ],
  ['wait.ts', typed, [/^at waitFor \(.*wait\.ts:7:\d+\)$/, /^at .*wait\.ts:9:\d+$/]],
  ['starving.cjs', starving, [/./]],
]

suite('the stack of a blocked loop', () => {
  for (const stderr of ['file', 'pipe'] as const) {
    for (const [name, source, expected] of programs) {
      test(`in ${name}, with stderr as a ${stderr}`, bounded, async (t) => {
        const { pid } = await startBlocking(t, temporaryProgram(t, name, source), stderr)
        const stack = await captureStack({ pid, within })
        assert.ok('frames' in stack, JSON.stringify(stack))
        assert.ok(stack.frames.length >= expected.length, JSON.stringify(stack))
        for (const [index, frame] of expected.entries()) assert.match(stack.frames[index] ?? '', frame)
      })
    }
  }
})

test(
  'a stderr that is a file keeps the inspector’s address from other users of the machine',
  bounded,
  async (t) => {
    const { pid } = await startBlocking(t, temporaryProgram(t, 'loop.cjs', cjs), 'file')
    assert.ok('frames' in (await captureStack({ pid, within })))
    const port = /ws:\/\/127\.0\.0\.1:(\d+)\//.exec(readFileSync(`/proc/${pid}/fd/2`, 'utf8'))?.[1]
    assert.ok(port !== undefined)
    const answer = await fetch(`http://127.0.0.1:${port}/json/list`)
    assert.doesNotMatch(await answer.text(), /webSocketDebuggerUrl/)
  },
)

suite('where there is none, the reason is told:', () => {
  const none = async (t: TestContext, source: string, reason: RegExp) => {
    const { pid } = await startBlocking(t, temporaryProgram(t, 'program.cjs', source), 'file')
    const stack = await captureStack({ pid, within: brief })
    assert.ok('none' in stack, JSON.stringify(stack))
    assert.match(stack.none, reason)
  }

  test('a child process that is waited for', bounded, async (t) => {
    const source = `require('node:fs').writeSync(1, 'blocks')
    require('node:child_process').execSync('exec sleep 3600')`
    await none(t, source, /waits in a system call, perhaps for its child process \d+ 'sleep 3600'/)
  })

  test('native code that cannot be interrupted', bounded, async (t) => {
    const source = `require('node:fs').writeSync(1, 'blocks')
    require('node:crypto').pbkdf2Sync('a', 'b', 2e9, 64, 'sha512')`
    await none(t, source, /native code/)
  })

  test('a program that has SIGUSR1 for itself', bounded, async (t) => {
    const source = `process.on('SIGUSR1', () => {})
    require('node:fs').writeSync(1, 'blocks')
    for (;;);`
    await none(t, source, /handles SIGUSR1 itself/)
  })

  test('a process that is gone', bounded, async () => {
    // Above the largest pid there can be.
    const stack = await captureStack({ pid: 2 ** 22 + 1, within: brief })
    assert.deepEqual(stack, { none: 'the process has ended, or the system tells nothing about it' })
  })
})
