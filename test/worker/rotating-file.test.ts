// A rotated log: when a file is changed for a new one, what it is called, and that no line is lost, torn or doubled by it.
import assert from 'node:assert/strict'
import {
  chmodSync,
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { rotationLock } from '../../src/wire/log-name.ts'
import { RotatingFile, type Rotation } from '../../src/worker/rotating-file.ts'
import { temporaryFolder } from '../support/temporary.ts'

const hour = 3_600_000
const noon = Date.parse('2026-11-21T12:00:00.000Z')

interface Log {
  readonly folder: string
  readonly path: string
  readonly now: { at: number }
  readonly codes: string[]
  readonly rotated: string[]
  /** One more writer of the same file. */
  writer(): { line(text: string): void }
  names(): string[]
  read(name: string): string
}

function log(t: TestContext, rotation: Partial<Rotation>): Log {
  const folder = temporaryFolder(t)
  const path = join(folder, 'web-0.out.log')
  const now = { at: noon }
  const codes: string[] = []
  const rotated: string[] = []
  const instead = join(temporaryFolder(t), 'instead')
  const fallback = openSync(instead, 'a')
  t.after(() => closeSync(fallback))
  const events = { failed: (code: string) => codes.push(code), rotated: (to: string) => rotated.push(to) }
  return {
    folder,
    path,
    now,
    codes,
    rotated,
    writer() {
      const file = new RotatingFile(path, fallback, { size: 0, every: 0, ...rotation }, events, () => now.at)
      return { line: (text) => file.append(Buffer.from(text)) }
    },
    names: () => readdirSync(folder).sort(),
    read: (name) => readFileSync(name === 'instead' ? instead : join(folder, name), 'utf8'),
  }
}

suite('a log rotated by size', () => {
  test('is begun anew before it would grow past its size, between two lines', (t) => {
    const { writer, names, read, rotated, folder, now } = log(t, { size: 10 })
    const { line } = writer()
    for (const text of ['aaaa\n', 'bbbb\n', 'cccc\n']) {
      line(text)
      now.at += 1
    }
    assert.deepEqual(names(), ['web-0.out.20261121T120000.002Z.log', 'web-0.out.log'])
    assert.equal(read('web-0.out.20261121T120000.002Z.log'), 'aaaa\nbbbb\n')
    assert.equal(read('web-0.out.log'), 'cccc\n')
    assert.deepEqual(rotated, [join(folder, 'web-0.out.20261121T120000.002Z.log')])
  })

  test('counts what was there before its writer', (t) => {
    const { path, writer, read } = log(t, { size: 10 })
    writeFileSync(path, '12345678\n')
    writer().line('ab\n')
    assert.equal(read('web-0.out.log'), 'ab\n')
  })

  test('holds a line that is longer than its size alone', (t) => {
    const { writer, names, read } = log(t, { size: 4 })
    const { line } = writer()
    line('a long line\n')
    line('another long line\n')
    assert.equal(names().length, 2)
    assert.equal(read(names()[0] ?? ''), 'a long line\n')
  })

  test('is not cut within a line that is written in pieces', (t) => {
    const { writer, names, read } = log(t, { size: 4 })
    const { line } = writer()
    for (const text of ['one ', 'line in ', 'pieces', '\n', 'next\n']) line(text)
    assert.deepEqual(names().map(read), ['one line in pieces\n', 'next\n'])
  })

  test('gets a name of its own each time, also twice in one millisecond and beside a compressed one', (t) => {
    const { folder, writer, names } = log(t, { size: 1 })
    writeFileSync(join(folder, 'web-0.out.20261121T120000.001Z.log.gz'), '')
    const { line } = writer()
    for (const text of ['a\n', 'b\n', 'c\n']) line(text)
    assert.deepEqual(names(), [
      'web-0.out.20261121T120000.000Z.log',
      'web-0.out.20261121T120000.001Z.log.gz',
      'web-0.out.20261121T120000.002Z.log',
      'web-0.out.log',
    ])
  })

  test('can be read and written by its owner alone', (t) => {
    const { path, writer } = log(t, { size: 1 })
    const { line } = writer()
    line('a\n')
    line('b\n')
    assert.equal(statSync(path).mode & 0o777, 0o600)
  })
})

suite('a log rotated by time', () => {
  test('is begun anew with the first line of each period', (t) => {
    const { writer, now, names, read } = log(t, { every: hour })
    const { line } = writer()
    line('12:00\n')
    now.at = noon + hour - 1
    line('12:59\n')
    now.at = noon + hour
    line('13:00\n')
    assert.deepEqual(names(), ['web-0.out.20261121T130000.000Z.log', 'web-0.out.log'])
    assert.deepEqual(names().map(read), ['12:00\n12:59\n', '13:00\n'])
  })

  test('is begun anew by a new writer when its last line is of an earlier period', (t) => {
    const { path, writer, names } = log(t, { every: hour })
    writeFileSync(path, 'of the hour before\n')
    utimesSync(path, (noon - 1) / 1000, (noon - 1) / 1000)
    writer().line('of this hour\n')
    assert.equal(names().length, 2)
  })

  test('goes on with a new writer in the same period, and is not rotated empty', (t) => {
    const { path, now, writer, names } = log(t, { every: hour })
    writeFileSync(path, '')
    utimesSync(path, 0, 0)
    writer().line('a\n')
    utimesSync(path, noon / 1000, noon / 1000)
    now.at += 60_000
    writer().line('b\n')
    assert.deepEqual(names(), ['web-0.out.log'])
  })
})

suite('a log with two writers', () => {
  test('is followed by the one when the other has rotated it', (t) => {
    const { writer, now, names, read } = log(t, { size: 10 })
    const [one, other] = [writer(), writer()]
    other.line('other\n')
    one.line('one 1\n') // together too long
    one.line('one 2\n')
    now.at += 100
    other.line('o\n')
    assert.equal(read('web-0.out.log').endsWith('o\n'), true)
    const all = names().map(read).join('')
    assert.deepEqual(all.trimEnd().split('\n').sort(), ['o', 'one 1', 'one 2', 'other'])
  })

  test('is not rotated by the one while the other is at it, and after a while by whoever is there', (t) => {
    const { path, writer, now, names } = log(t, { size: 4 })
    const { line } = writer()
    line('aaa\n')
    writeFileSync(rotationLock(path), '')
    line('bbb\n')
    assert.deepEqual(names(), ['web-0.out.log', 'web-0.out.rotating'])
    utimesSync(rotationLock(path), 0, 0)
    line('ccc\n')
    now.at += 100
    line('ddd\n')
    assert.equal(names().length, 2)
    assert.equal(names().includes('web-0.out.rotating'), false)
  })

  test('is made again when somebody took it away', (t) => {
    const { path, writer, now, read } = log(t, { size: 1000 })
    const { line } = writer()
    line('a\n')
    renameSync(path, `${path}.elsewhere`)
    now.at += 100
    line('b\n')
    assert.equal(read('web-0.out.log'), 'b\n')
  })
})

suite('a log that cannot be had', () => {
  test('leaves the lines to the descriptor the worker was born with', (t) => {
    const { folder, path, writer, now, read } = log(t, { size: 4 })
    mkdirSync(path) // opened for writing: EISDIR
    const { line } = writer()
    line('a\n')
    renameSync(path, join(folder, 'away'))
    now.at += 100
    line('b\n')
    assert.equal(read('instead'), 'a\n')
    assert.equal(read('web-0.out.log'), 'b\n')
  })

  test('goes on growing when it cannot be rotated, and says why', (t) => {
    if (process.getuid?.() === 0) return t.skip('root may write anywhere')
    const { folder, writer, codes, read } = log(t, { size: 4 })
    const { line } = writer()
    line('aaa\n')
    chmodSync(folder, 0o500)
    t.after(() => chmodSync(folder, 0o700))
    line('bbb\n')
    assert.deepEqual(codes, ['EACCES'])
    assert.equal(read('web-0.out.log'), 'aaa\nbbb\n')
  })
})
