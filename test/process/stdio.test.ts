// Every form of stdio: where what a child prints goes, and where what it reads comes from.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import {
  closeSync,
  createReadStream,
  createWriteStream,
  openSync,
  readFileSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { suite } from 'node:test'
import { type Child, fork, type Stdio, spawn, TruncatedError } from '../../src/process/index.ts'
import { gone, type ProcessTest, processTest, programPath } from '../support/process/process-test.ts'
import { rejectsWith, throwsWith } from '../support/process/rejects-with.ts'

/** Copies its stdin to stdout and says something on stderr; with descriptor 3 open, there too. */
const copies = 'cat; echo err >&2; { echo three >&3; } 2>/dev/null; true'
const printed = (name: string, { folder }: ProcessTest): string => readFileSync(join(folder, name), 'utf8')
const opened = async <S extends { once: unknown }>(stream: S & NodeJS.EventEmitter): Promise<S> => {
  await once(stream, 'open')
  return stream
}

interface Form {
  readonly name: string
  /** Puts 'in' into a file `in` first; what is to be closed after is in `close`. */
  readonly stdio: (context: ProcessTest, close: number[]) => Stdio | Promise<Stdio>
  readonly check: (child: Child, context: ProcessTest) => void | Promise<void>
}

const forms: readonly Form[] = [
  {
    name: "'pipe'",
    stdio: () => 'pipe',
    async check(child) {
      child.stdin?.end('in')
      assert.deepEqual([await child.stdout?.text(), await child.stderr?.text()], ['in', 'err\n'])
    },
  },
  {
    name: "'ignore'",
    stdio: () => 'ignore',
    check: (child) =>
      assert.deepEqual([child.stdin, child.stdout, child.stderr], [undefined, undefined, undefined]),
  },
  {
    name: 'descriptors of this process',
    stdio({ folder }, close) {
      close.push(
        openSync(join(folder, 'in'), 'r'),
        openSync(join(folder, 'out'), 'w'),
        openSync(join(folder, 'err'), 'a'),
      )
      return [...close]
    },
    async check(child, context) {
      await child.exit
      assert.deepEqual([printed('out', context), printed('err', context)], ['in', 'err\n'])
      assert.equal(child.stdout, undefined)
    },
  },
  {
    name: 'streams',
    stdio: async ({ folder }) => [
      await opened(createReadStream(join(folder, 'in'))),
      await opened(createWriteStream(join(folder, 'out'))),
      'ignore',
    ],
    async check(child, context) {
      await child.exit
      assert.equal(printed('out', context), 'in')
    },
  },
  {
    name: 'all mixed: ignore, pipe, a descriptor, a fourth pipe',
    stdio({ folder }, close) {
      close.push(openSync(join(folder, 'err'), 'w'))
      return ['ignore', 'pipe', close[0] ?? 'ignore', 'pipe']
    },
    async check(child, context) {
      const three = child.pipe(3)?.setEncoding('utf8').toArray()
      assert.equal(await child.stdout?.text(), '')
      assert.deepEqual(await three, ['three\n'])
      assert.equal(printed('err', context), 'err\n')
      assert.equal(child.pipe(1), undefined)
      assert.equal(child.pipe(9), undefined)
    },
  },
]

suite('the stdio of a child', () => {
  for (const { name, stdio, check } of forms) {
    processTest(name, async (context) => {
      writeFileSync(join(context.folder, 'in'), 'in')
      const close: number[] = []
      await using child = spawn('/bin/sh', ['-c', copies], { stdio: await stdio(context, close) })
      await check(child, context)
      assert.equal((await child.exit).code, 0)
      for (const descriptor of close) closeSync(descriptor)
    })
  }

  processTest("'inherit', as a whole and by descriptor, shares what this process has", async () => {
    const program = programPath('inherits.ts')
    await using child = spawn(process.execPath, [program])
    child.stdin?.end('in')
    assert.equal(await child.stdout?.text(), 'whole\nby number\nby stream\nforked\n')
    assert.equal((await child.exit).code, 0)
  })

  processTest('of a silent fork is pipes, and of any other this process’s own', async () => {
    await using silent = fork(programPath('describes-itself.js'), [], { silent: true })
    assert.match((await silent.stdout?.text()) ?? '', /^\{"args"/)
    await using mixed = fork(programPath('describes-itself.js'), [], {
      stdio: ['ignore', 'pipe', 'ignore', 'ipc'],
    })
    assert.match((await mixed.stdout?.text()) ?? '', /^\{"args"/)
    assert.equal(mixed.stdin, undefined)
    await using none = fork(programPath('describes-itself.js'), [], { stdio: 'ignore' })
    assert.equal(none.stdout, undefined)
    await Promise.all([silent.exit, mixed.exit, none.exit])
  })

  processTest('is refused when it is none', async ({ folder }) => {
    const unopened = createWriteStream(join(folder, 'out'))
    const bad: [stdio: unknown, says: RegExp][] = [
      ['ingnore', /stdio is 'inherit', 'pipe', 'ignore', or an array/], // as seed 000 spells it
      [['pipe', 'ipc', 'ipc'], /'ipc' \(once\)/],
      [[-1], /stdio is/],
      [[{}], /stdio is/],
      [['ignore', unopened], /wait for a file stream's event 'open'/],
    ]
    for (const [stdio, says] of bad) {
      assert.match(throwsWith('usage', () => spawn('cat', [], { stdio: stdio as Stdio })).message, says)
    }
    await once(unopened, 'open')
    unopened.destroy()
  })
})

suite('the output of a child', () => {
  processTest('as lines, whatever the pieces', async () => {
    await using child = spawn('/bin/sh', [
      '-c',
      "printf 'one\\ntw'; printf 'o\\r\\n\\n\\346\\274'; printf '\\242 end'",
    ])
    const lines: string[] = []
    for await (const line of child.stdout?.lines() ?? []) lines.push(line)
    assert.deepEqual(lines, ['one', 'two', '', '漢 end'])
  })

  processTest('as lines takes time by the length of a line, not by its square', async () => {
    const program = 'fs.writeSync(1, "x".repeat(100e6) + "\\n")'
    await using child = spawn(process.execPath, ['-e', program])
    for await (const line of child.stdout?.lines({ maxBuffer: 200e6 }) ?? []) assert.equal(line.length, 100e6)
  })

  processTest('as bytes and as chunks', async () => {
    await using bytes = spawn('printf', ['\\377\\000'])
    assert.deepEqual([...((await bytes.stdout?.bytes()) ?? [])], [255, 0])
    await using chunks = spawn('printf', ['\\377\\000'])
    const all: Buffer[] = []
    for await (const chunk of chunks.stdout ?? []) all.push(chunk)
    assert.deepEqual([...Buffer.concat(all)], [255, 0])
  })

  processTest('is there after the exit as well, and is read once', async () => {
    await using child = spawn('/bin/sh', ['-c', 'head -c 60000 /dev/zero; echo err >&2'])
    await child.exit
    await new Promise((resolve) => setImmediate(resolve)) // now Node has thrown away what it would
    assert.equal((await child.stdout?.bytes())?.length, 60_000)
    assert.equal(await child.stderr?.text(), 'err\n')
    await rejectsWith('usage', child.stdout?.text() ?? Promise.resolve())
  })

  processTest('is cut off at maxBuffer, and the error has what came before', async () => {
    await using child = spawn('yes')
    const error = await rejectsWith(
      'output_truncated',
      child.stdout?.text({ maxBuffer: 5 }) ?? Promise.resolve(),
    )
    assert.ok(error instanceof TruncatedError)
    assert.equal(error.text, 'y\ny\ny')
    await child.exit // of the broken pipe
    await using endless = spawn('cat', ['/dev/zero'])
    const lines = endless.stdout?.lines({ maxBuffer: 100_000 })
    await rejectsWith('output_truncated', lines?.next() ?? Promise.resolve())
    await endless.exit
  })

  processTest('holds the child back while nobody reads', async ({ folder }) => {
    const count = join(folder, 'count')
    const program =
      'for (let n = 1; n <= 2000; n++) { fs.writeFileSync(process.argv[1], String(n)); fs.writeSync(1, "x".repeat(999) + "\\n") }'
    await using child = spawn(process.execPath, ['-e', program, count])
    const lines = child.stdout?.lines()
    await lines?.next()
    // It has stopped when its state is a sleep in write(); all it could print are the buffers of pipe and stream.
    const written = await settled(() => Number(readFileSync(count, 'utf8')))
    assert.ok(
      written > 0 && written < 1000,
      `${written} of 2000 lines were printed for the one that was read`,
    )
    let rest = 0
    for await (const _ of lines ?? []) rest++
    assert.equal(rest, 1999)
  })

  processTest('left early closes the pipe, as head does', async () => {
    await using child = spawn('yes')
    for await (const line of child.stdout?.lines() ?? []) {
      assert.equal(line, 'y')
      break
    }
    await child.exit
  })

  processTest('goes on to another stream', async () => {
    await using child = spawn('echo', ['hello'])
    await using copy = spawn('cat')
    if (copy.stdin) child.stdout?.stream.pipe(copy.stdin)
    assert.equal(await copy.stdout?.text(), 'hello\n')
  })

  processTest('and an input that the child does not want: nothing is thrown', async ({ signal }) => {
    await using child = spawn('true')
    await child.exit
    child.stdin?.end('x'.repeat(1_000_000))
    if (child.stdin && !child.stdin.closed) await once(child.stdin, 'close', { signal })
    await gone([], signal)
  })
})

/** The value when it has not changed over some hundred looks. */
async function settled(look: () => number): Promise<number> {
  let value = look()
  for (let same = 0; same < 100; same++) {
    await new Promise((resolve) => setTimeout(resolve, 3))
    if (look() !== value) same = 0
    value = look()
  }
  return value
}
