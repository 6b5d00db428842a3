// Log lines: the last that are there, then each that is appended, whole, once, and in order.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { appendFileSync, mkdtempSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, suite, test } from 'node:test'
import { followLogs, printTails } from '../../src/cli/log-follower.ts'
import type { LogFile } from '../../src/daemon/log-files.ts'

const bounded = { timeout: 20_000 }
const folder = mkdtempSync(join(tmpdir(), 'brood-logs-'))
after(() => rmSync(folder, { recursive: true }))

let files = 0
function newFile(content?: string | Buffer): LogFile {
  const path = join(folder, `web-${files++}.out.log`)
  if (content !== undefined) writeFileSync(path, content)
  return { app: 'web', slot: 0, stream: 'stdout', path }
}

/** The lines that `printTails` prints, and where it says that each file ends. */
function tails(some: readonly LogFile[], count: number): { lines: string[]; ends: Map<string, number> } {
  const lines: string[] = []
  const ends = printTails(some, count, (_file, line) => lines.push(line))
  return { lines, ends }
}

/** Follows the files; `until` waits for events until that many lines have come. */
function follow(
  some: readonly LogFile[],
  from: ReadonlyMap<string, number> = new Map(),
): { lines: string[]; until: (count: number) => Promise<void>; [Symbol.asyncDispose]: () => Promise<void> } {
  const lines: string[] = []
  const heard = new EventTarget()
  const controller = new AbortController()
  const onLine = (file: LogFile, line: string): void => {
    lines.push(some.length > 1 ? `${some.indexOf(file)} ${line}` : line)
    heard.dispatchEvent(new Event('line'))
  }
  const ended = followLogs(some, from, onLine, controller.signal)
  return {
    lines,
    async until(count) {
      while (lines.length < count) await once(heard, 'line')
    },
    async [Symbol.asyncDispose]() {
      controller.abort()
      await ended
    },
  }
}

suite('the tails of logs', () => {
  test('are the last lines of each file, in the order of the files', bounded, () => {
    const some = [newFile('a\nb\nc\n'), newFile(), newFile(''), newFile('d\n')]
    const { lines, ends } = tails(some, 2)
    assert.deepEqual(lines, ['b', 'c', 'd'])
    assert.deepEqual(
      [...ends],
      [
        [some[0]?.path, 6],
        [some[2]?.path, 0],
        [some[3]?.path, 2],
      ],
    )
  })

  test('of no lines print nothing, but know where the files end', bounded, () => {
    const file = newFile('a\nb\n')
    const { lines, ends } = tails([file], 0)
    assert.deepEqual([lines, ends.get(file.path)], [[], 4])
  })

  test('leave out what is not yet a line, for the follower to give whole', bounded, async () => {
    const file = newFile('first\nsec')
    const { lines, ends } = tails([file], 10)
    assert.deepEqual(lines, ['first'])
    await using following = follow([file], ends)
    appendFileSync(file.path, 'ond\n')
    await following.until(1)
    assert.deepEqual(following.lines, ['second'])
  })

  test('keep empty lines', bounded, () => {
    assert.deepEqual(tails([newFile('a\n\n\nb\n')], 3).lines, ['', '', 'b'])
  })

  test('of a file larger than what is searched are its last lines', bounded, async () => {
    const file = newFile(`${'0123456789\n'.repeat(50_000)}last\n`)
    const { lines, ends } = tails([file], 2)
    assert.deepEqual(lines, ['0123456789', 'last'])
    await using following = follow([file], ends)
    appendFileSync(file.path, 'appended\n')
    await following.until(1)
    assert.deepEqual(following.lines, ['appended'])
  })

  test('have no torn line when more lines are asked for than are searched', bounded, () => {
    const { lines } = tails([newFile('0123456789\n'.repeat(50_000))], 1_000_000)
    assert.deepEqual([...new Set(lines)], ['0123456789'])
  })

  test('end where the file ends even if it is not UTF-8', bounded, async () => {
    const file = newFile(Buffer.concat([Buffer.from([0xff, 0xfe, 0xe4]), Buffer.from('\nx\n')]))
    const { ends } = tails([file], 0)
    assert.equal(ends.get(file.path), 6)
    await using following = follow([file], ends)
    appendFileSync(file.path, 'appended\n')
    await following.until(1)
    assert.deepEqual(following.lines, ['appended'])
  })
})

suite('following logs', () => {
  test('gives each line once and in order, from where the tails ended', bounded, async () => {
    const file = newFile('old\n')
    await using following = follow([file], tails([file], 0).ends)
    appendFileSync(file.path, 'one\ntwo\n')
    await following.until(2)
    appendFileSync(file.path, 'three\n')
    await following.until(3)
    assert.deepEqual(following.lines, ['one', 'two', 'three'])
  })

  test('gives what is there already when no tail was printed', bounded, async () => {
    await using following = follow([newFile('one\ntwo\n')])
    assert.deepEqual(following.lines, ['one', 'two'])
  })

  test('gives a line only when it is whole', bounded, async () => {
    const file = newFile('')
    const other = newFile('')
    await using following = follow([file, other])
    appendFileSync(file.path, 'par')
    // The other line is proof that the event of the first write has passed.
    appendFileSync(other.path, 'proof\n')
    await following.until(1)
    appendFileSync(file.path, 'tial\n')
    await following.until(2)
    assert.deepEqual(following.lines, ['1 proof', '0 partial'])
  })

  test('puts characters together that were written in pieces', bounded, async () => {
    const bytes = Buffer.from('größer 大きい 🐣\n')
    const file = newFile('')
    const other = newFile('')
    await using following = follow([file, other])
    for (const [index, byte] of bytes.entries()) {
      appendFileSync(file.path, Buffer.of(byte))
      appendFileSync(other.path, '.\n')
      await following.until(index + 1)
    }
    await following.until(bytes.length + 1)
    assert.deepEqual(
      following.lines.filter((line) => line.startsWith('0')),
      ['0 größer 大きい 🐣'],
    )
  })

  test('gives a line longer than what is read at once as one', bounded, async () => {
    const file = newFile('')
    await using following = follow([file])
    appendFileSync(file.path, `${'ü'.repeat(100_001)}\nnext\n`)
    await following.until(2)
    assert.deepEqual([following.lines[0]?.length, following.lines[1]], [100_001, 'next'])
  })

  test('finds a file that appears later', bounded, async () => {
    const file = newFile()
    await using following = follow([file])
    writeFileSync(file.path, 'born\n')
    await following.until(1)
    assert.deepEqual(following.lines, ['born'])
  })

  test('goes on at the beginning of a file that was cut to nothing', bounded, async () => {
    const file = newFile('a long line from before\n')
    await using following = follow([file], tails([file], 0).ends)
    truncateSync(file.path)
    appendFileSync(file.path, 'new\n')
    await following.until(1)
    assert.deepEqual(following.lines, ['new'])
  })

  test('forgets half a line of a file that was cut to nothing', bounded, async () => {
    const file = newFile('whole\nhalf a line')
    const other = newFile('')
    await using following = follow([file, other])
    assert.deepEqual(following.lines, ['0 whole'])
    truncateSync(file.path)
    appendFileSync(file.path, 'new\n')
    await following.until(2)
    assert.deepEqual(following.lines, ['0 whole', '0 new'])
  })

  test('goes on with the new file after a rotation', bounded, async () => {
    const file = newFile('a long line from before\n')
    await using following = follow([file], tails([file], 0).ends)
    renameSync(file.path, `${file.path}.1`)
    writeFileSync(file.path, 'new\n')
    await following.until(1)
    assert.deepEqual(following.lines, ['new'])
  })

  test('tells the lines of several files apart', bounded, async () => {
    const some = [newFile(''), newFile('')]
    await using following = follow(some)
    appendFileSync(some[1]?.path ?? '', 'b\n')
    await following.until(1)
    appendFileSync(some[0]?.path ?? '', 'a\n')
    await following.until(2)
    assert.deepEqual(following.lines, ['1 b', '0 a'])
  })

  test('gives the last lines that were written before its end', bounded, async () => {
    const file = newFile('')
    const lines: string[] = []
    const controller = new AbortController()
    const ended = followLogs([file], new Map(), (_file, line) => lines.push(line), controller.signal)
    appendFileSync(file.path, 'farewell\n')
    controller.abort()
    await ended
    appendFileSync(file.path, 'too late\n')
    assert.deepEqual(lines, ['farewell'])
  })

  test('is over at once if its signal was', bounded, async () => {
    const lines: string[] = []
    await followLogs([newFile('x\n')], new Map(), (_file, line) => lines.push(line), AbortSignal.abort())
    assert.deepEqual(lines, ['x'])
  })
})
