// What `brood logs` finds in the files that are there: the last lines, times, patterns, rotated and compressed files, one order.
import assert from 'node:assert/strict'
import { appendFileSync, mkdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { suite, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { history } from '../../../src/cli/logs/log-history.ts'
import { StreamFiles } from '../../../src/cli/logs/stream-files.ts'
import { logFile, rotatedLog, shown } from '../../support/logs/log-view.ts'
import { temporaryFolder } from '../../support/temporary.ts'

const bounded = { timeout: 20_000 }
/** A line of the format `text`, so many seconds after ten. */
const at = (second: number, text: string): string =>
  `2026-11-21T10:00:${`${second}`.padStart(2, '0')}.000Z ${text}\n`
const time = (second: number): number => Date.parse(`2026-11-21T10:00:00Z`) + second * 1000

suite('the last lines', () => {
  test('are the last of each file, slot by slot where no line has a time', bounded, async (t) => {
    const folder = temporaryFolder(t)
    const files = [0, 1, 2, 3].map((slot) => logFile(folder, slot))
    writeFileSync(files[0]?.path ?? '', 'a\nb\nc\n')
    writeFileSync(files[2]?.path ?? '', '')
    writeFileSync(files[3]?.path ?? '', 'd\n')
    assert.deepEqual(await shown(files, { lines: 2 }), ['0 b', '0 c', '3 d'])
  })

  test('can be none, keep empty lines, and leave out what is not yet a line', bounded, async (t) => {
    const file = logFile(temporaryFolder(t))
    writeFileSync(file.path, 'a\n\n\nb\nhal')
    assert.deepEqual(await shown([file], { lines: 0 }), [])
    assert.deepEqual(await shown([file], { lines: 3 }), ['', '', 'b'])
  })

  test('of a large file are whole and right, however many are asked for', bounded, async (t) => {
    const file = logFile(temporaryFolder(t))
    const lines = Array.from({ length: 60_000 }, (_, n) => `line ${n}`)
    writeFileSync(file.path, `${lines.join('\n')}\n`)
    for (const count of [1, 1000, 59_999, 100_000])
      assert.deepEqual(await shown([file], { lines: count }), lines.slice(-count))
  })

  test('can be very long', bounded, async (t) => {
    const file = logFile(temporaryFolder(t))
    writeFileSync(file.path, `${'x'.repeat(100e6)}\nlast\n`)
    assert.deepEqual(
      (await shown([file], { lines: 2 })).map((line) => line.length),
      [100e6, 4],
    )
  })

  test('reach into rotated files, plain and compressed', bounded, async (t) => {
    const file = logFile(temporaryFolder(t))
    writeFileSync(`${rotatedLog(file, 1)}.gz`, gzipSync('1\n2\n3\nno newline at its end'))
    writeFileSync(rotatedLog(file, 2), '4\n')
    writeFileSync(`${rotatedLog(file, 2)}.gz`, gzipSync('4\n')) // just being compressed
    writeFileSync(file.path, '5\n6\n')
    assert.deepEqual(await shown([file], { lines: 2 }), ['5', '6'])
    assert.deepEqual(await shown([file], { lines: 5 }), ['3', 'no newline at its end', '4', '5', '6'])
    assert.deepEqual(await shown([file], {}), ['1', '2', '3', 'no newline at its end', '4', '5', '6'])
  })

  test('that match a pattern are searched for far back', bounded, async (t) => {
    const file = logFile(temporaryFolder(t))
    writeFileSync(file.path, `needle 1\nneedle 2\n${'hay\n'.repeat(200_000)}needle 3\n`)
    assert.deepEqual(await shown([file], { lines: 2, grep: /^needle/ }), ['needle 2', 'needle 3'])
  })
})

suite('times', () => {
  test(
    'put the lines of several files into one order; a line without belongs to the one before',
    bounded,
    async (t) => {
      const folder = temporaryFolder(t)
      const files = [logFile(folder, 0), logFile(folder, 1)]
      writeFileSync(files[0]?.path ?? '', `${at(1, 'a') + at(3, 'c')}  at stack\n${at(5, 'e')}`)
      const json = JSON.stringify({
        time: '2026-11-21T10:00:02.000Z',
        stream: 'stdout',
        slot: 1,
        pid: 7,
        line: 'b',
      })
      writeFileSync(files[1]?.path ?? '', `${json}\n${at(4, 'd')}`)
      const all = ['0 a', '1 b', '0 c', '0   at stack', '1 d', '0 e']
      assert.deepEqual(await shown(files, {}), all)
      assert.deepEqual(await shown(files, { lines: 10 }), all)
    },
  )

  test('that go back keep the order of their file', bounded, async (t) => {
    const folder = temporaryFolder(t)
    const files = [logFile(folder, 0), logFile(folder, 1)]
    writeFileSync(files[0]?.path ?? '', at(5, 'a') + at(1, 'b'))
    writeFileSync(files[1]?.path ?? '', at(3, 'c') + at(6, 'd'))
    assert.deepEqual(await shown(files, {}), ['1 c', '0 a', '0 b', '1 d'])
  })

  test('bound what is shown', bounded, async (t) => {
    const file = logFile(temporaryFolder(t))
    writeFileSync(file.path, `${at(1, 'a') + at(2, 'b')} with more\n${at(3, 'c')}`)
    assert.deepEqual(await shown([file], { since: time(2) }), ['b', ' with more', 'c'])
    assert.deepEqual(await shown([file], { until: time(2) }), ['a', 'b', ' with more'])
    assert.deepEqual(await shown([file], { until: time(2), lines: 1 }), [' with more'])
    assert.deepEqual(await shown([file], { since: time(4) }), [])
  })

  test('are found in a long file, however far back', bounded, async (t) => {
    const file = logFile(temporaryFolder(t))
    const line = (n: number): string => `${new Date(time(n)).toISOString()} line ${n}\n`
    const count = 100_000
    writeFileSync(file.path, Array.from({ length: count }, (_, n) => line(n)).join(''))
    utimesSync(file.path, time(count) / 1000, time(count) / 1000)
    for (const first of [0, 1, 50_000, count - 1]) {
      const lines = await shown([file], { since: time(first) })
      assert.deepEqual([lines.length, lines[0]], [count - first, `line ${first}`])
      assert.deepEqual(await shown([file], { since: time(first), lines: 1 }), [`line ${count - 1}`])
      assert.deepEqual(await shown([file], { since: time(first), lines: 9, grep: /line 0$/ }), [
        ...(first === 0 ? ['line 0'] : []),
      ])
    }
  })

  test('of raw lines are those of their files: when it was rotated, and written last', bounded, async (t) => {
    const folder = temporaryFolder(t)
    const [file, other] = [logFile(folder, 0), logFile(folder, 1)]
    writeFileSync(rotatedLog(file, 10), 'until 10\n')
    writeFileSync(rotatedLog(file, 20), 'until 20\n')
    writeFileSync(file.path, 'until 30\n')
    utimesSync(file.path, time(30) / 1000, time(30) / 1000)
    assert.deepEqual(await shown([file], { since: time(15) }), ['until 20', 'until 30'])
    assert.deepEqual(await shown([file], { until: time(15) }), ['until 10', 'until 20'])
    assert.deepEqual(await shown([file], { since: time(31) }), [])
    writeFileSync(other.path, at(15, 'timed'))
    assert.deepEqual(await shown([file, other], {}), ['0 until 10', '0 until 20', '1 timed', '0 until 30'])
  })
})

suite('while it is read', () => {
  test('a file can be rotated, compressed and removed', bounded, async (t) => {
    const file = logFile(temporaryFolder(t))
    writeFileSync(rotatedLog(file, 1), 'removed\n')
    writeFileSync(rotatedLog(file, 2), 'compressed\n')
    writeFileSync(file.path, 'rotated\n')
    const stream = new StreamFiles(file)
    rmSync(rotatedLog(file, 1))
    renameSync(rotatedLog(file, 2), `${rotatedLog(file, 2)}.gz`)
    writeFileSync(`${rotatedLog(file, 2)}.gz`, gzipSync('compressed\n'))
    renameSync(file.path, rotatedLog(file, 3))
    appendFileSync(file.path, 'later\n')
    const there: string[] = []
    for await (const batch of history(file, stream.generations, {}))
      there.push(...batch.map(({ text }) => text))
    assert.deepEqual(there, ['compressed', 'rotated'])
    const news: string[] = []
    stream.read(null, (lines) => news.push(...lines))
    assert.deepEqual(news, ['later'])
    stream.close()
  })

  test('what lies beside it is not looked at', bounded, async (t) => {
    const file = logFile(temporaryFolder(t))
    mkdirSync(rotatedLog(file, 1).replace('.log', '.log.bak'))
    writeFileSync(`${file.path}.1`, 'foreign\n')
    writeFileSync(rotatedLog(logFile(temporaryFolder(t), 1), 1), 'other slot\n')
    writeFileSync(file.path, 'own\n')
    assert.deepEqual(await shown([file], {}), ['own'])
  })
})
