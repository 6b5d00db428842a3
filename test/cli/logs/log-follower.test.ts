// Followed logs: each line that is appended, whole, once, and in order, whatever becomes of the files.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import fs, {
  appendFileSync,
  closeSync,
  openSync,
  renameSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { history } from '../../../src/cli/logs/log-history.ts'
import { StreamFiles } from '../../../src/cli/logs/stream-files.ts'
import { LogUpkeep } from '../../../src/daemon/log-upkeep.ts'
import { follow, logFile, rotatedLog } from '../../support/logs/log-view.ts'
import { logFolder, logWorker } from '../../support/logs/log-worker.ts'
import { temporaryFolder, temporaryProgram } from '../../support/temporary.ts'

const bounded = { timeout: 60_000 }

/** Does something just before the folder is looked through for the first time. */
function beforeTheList(t: TestContext, act: () => void): void {
  const { readdirSync } = fs
  const restore = (): void => {
    fs.readdirSync = readdirSync
    syncBuiltinESMExports()
  }
  t.after(restore)
  fs.readdirSync = ((...args: Parameters<typeof readdirSync>) => {
    restore()
    act()
    return readdirSync(...args)
  }) as typeof readdirSync // one of its forms, with whatever it was called with
  syncBuiltinESMExports()
}

suite('following logs', () => {
  test('gives each line once and in order, from the end on', bounded, async (t) => {
    const file = logFile(temporaryFolder(t))
    writeFileSync(file.path, 'old\n')
    const following = follow(t, [file])
    appendFileSync(file.path, 'one\ntwo\n')
    await following.until(2)
    appendFileSync(file.path, 'three\n')
    await following.until(3)
    assert.deepEqual(following.lines, ['one', 'two', 'three'])
  })

  test('gives a line only when it is whole, and the whole line that had begun before', bounded, async (t) => {
    const folder = temporaryFolder(t)
    const [file, other] = [logFile(folder, 0), logFile(folder, 1)]
    writeFileSync(file.path, 'first\nhad ')
    const following = follow(t, [file, other])
    appendFileSync(file.path, 'be')
    appendFileSync(other.path, 'proof\n') // that the event of the write before has passed
    await following.until(1)
    appendFileSync(file.path, 'gun\n')
    await following.until(2)
    assert.deepEqual(following.lines, ['1 proof', '0 had begun'])
  })

  test('puts characters together that were written in pieces', bounded, async (t) => {
    const folder = temporaryFolder(t)
    const [file, other] = [logFile(folder, 0), logFile(folder, 1)]
    const bytes = Buffer.from('größer 大きい 🐣\n')
    const following = follow(t, [file, other])
    for (const [index, byte] of bytes.entries()) {
      appendFileSync(file.path, Buffer.of(byte))
      appendFileSync(other.path, '.\n')
      await following.until(index + 1)
    }
    await following.end()
    assert.deepEqual(
      following.lines.filter((line) => line.startsWith('0')),
      ['0 größer 大きい 🐣'],
    )
  })

  test('gives a line longer than what is read at once as one', bounded, async (t) => {
    const file = logFile(temporaryFolder(t))
    const following = follow(t, [file])
    appendFileSync(file.path, `${'ü'.repeat(100_001)}\nnext\n`)
    await following.until(2)
    assert.deepEqual([following.lines[0]?.length, following.lines[1]], [100_001, 'next'])
  })

  test('finds a file that appears later', bounded, async (t) => {
    const file = logFile(temporaryFolder(t))
    const following = follow(t, [file])
    writeFileSync(file.path, 'born\n')
    await following.until(1)
    assert.deepEqual(following.lines, ['born'])
  })

  test(
    'goes on at the beginning of a file that was cut to nothing, without the half line',
    bounded,
    async (t) => {
      const file = logFile(temporaryFolder(t))
      writeFileSync(file.path, 'a long line from before\nhalf a line')
      const following = follow(t, [file])
      truncateSync(file.path)
      appendFileSync(file.path, 'new\n')
      await following.until(1)
      assert.deepEqual(following.lines, ['new'])
    },
  )

  test(
    'gives each line once and in order where the file is rotated twice while it is looked for',
    bounded,
    async (t) => {
      const file = logFile(temporaryFolder(t))
      writeFileSync(file.path, 'one\n')
      beforeTheList(t, () => {
        renameSync(file.path, rotatedLog(file, 1))
        writeFileSync(file.path, 'two\n')
        renameSync(file.path, rotatedLog(file, 2))
        writeFileSync(file.path, 'three\n')
      })
      const files = new StreamFiles(file)
      t.after(() => files.close())
      const texts: string[] = []
      for await (const batch of history(file, files.generations, {}))
        texts.push(...batch.map(({ text }) => text))
      // The next one is compressed before anybody looks.
      renameSync(file.path, rotatedLog(file, 3))
      writeFileSync(`${rotatedLog(file, 4)}.gz`, gzipSync('four\n'))
      writeFileSync(file.path, 'five\n')
      files.read(null, (lines) => texts.push(...lines))
      assert.deepEqual(texts, ['one', 'two', 'three', 'four', 'five'])
    },
  )

  test('gives the lines of several files in the order of their times', bounded, async (t) => {
    const folder = temporaryFolder(t)
    const [file, other] = [logFile(folder, 0), logFile(folder, 1)]
    const following = follow(t, [file, other])
    const at = (second: number): string => `2026-11-21T10:00:0${second}.000Z`
    appendFileSync(file.path, `${at(1)} a\n${at(3)} c\n  stack\n`)
    appendFileSync(other.path, `${at(2)} b\n${at(4)} d\n`)
    await following.end()
    assert.deepEqual(following.lines, ['0 a', '1 b', '0 c', '0   stack', '1 d'])
  })

  test('says what to do where the folder has been removed', (t) => {
    const file = logFile(join(temporaryFolder(t), 'gone'))
    assert.throws(() => follow(t, [file]), /gone cannot be watched: it has been removed: 'brood reload all'/)
  })

  test('gives only what is asked for', bounded, async (t) => {
    const file = logFile(temporaryFolder(t))
    const following = follow(t, [file], { grep: /^b/ })
    appendFileSync(file.path, 'a\nb1\nab\nb2\n')
    await following.until(2)
    assert.deepEqual(following.lines, ['b1', 'b2'])
  })

  test(
    'gives the last lines that were written before its end, and is over at once if it was',
    bounded,
    async (t) => {
      const file = logFile(temporaryFolder(t))
      const following = follow(t, [file])
      appendFileSync(file.path, 'farewell\n')
      await following.end()
      appendFileSync(file.path, 'too late\n')
      assert.deepEqual(following.lines, ['farewell'])
    },
  )
})

suite('following a rotation', () => {
  test('gives the end of the old file, then the new one', bounded, async (t) => {
    const file = logFile(temporaryFolder(t))
    writeFileSync(file.path, 'before\n')
    const following = follow(t, [file])
    appendFileSync(file.path, 'old 1\n')
    await following.until(1)
    appendFileSync(file.path, 'old 2\n')
    renameSync(file.path, rotatedLog(file, 1))
    writeFileSync(file.path, 'new\n')
    await following.until(3)
    assert.deepEqual(following.lines, ['old 1', 'old 2', 'new'])
  })

  test('gives files that came and went unseen, plain and compressed', bounded, async (t) => {
    const file = logFile(temporaryFolder(t))
    writeFileSync(file.path, 'before\n')
    const following = follow(t, [file])
    // All in one turn of the event loop: the follower sees only what is left of it.
    appendFileSync(file.path, 'one\n')
    renameSync(file.path, rotatedLog(file, 1))
    writeFileSync(`${rotatedLog(file, 2)}.gz`, gzipSync('two\n'))
    writeFileSync(rotatedLog(file, 3), 'three\n')
    writeFileSync(file.path, 'four\n')
    await following.until(4)
    assert.deepEqual(following.lines, ['one', 'two', 'three', 'four'])
  })

  test(
    'knows the file it had open by its place when it has been compressed meanwhile',
    bounded,
    async (t) => {
      const file = logFile(temporaryFolder(t))
      writeFileSync(file.path, 'before\n')
      const following = follow(t, [file])
      appendFileSync(file.path, 'one\n')
      unlinkSync(file.path)
      writeFileSync(`${rotatedLog(file, 1)}.gz`, gzipSync('before\none\n'))
      writeFileSync(`${rotatedLog(file, 2)}.gz`, gzipSync('two\n'))
      writeFileSync(file.path, 'three\n')
      await following.until(3)
      assert.deepEqual(following.lines, ['one', 'two', 'three'])
    },
  )

  test('gives what is still written to the renamed file', bounded, async (t) => {
    const folder = temporaryFolder(t)
    const file = logFile(folder)
    const birth = openSync(file.path, 'a')
    t.after(() => closeSync(birth))
    const following = follow(t, [file])
    renameSync(file.path, rotatedLog(file, 1))
    writeFileSync(file.path, 'new\n')
    await following.until(1)
    writeSync(birth, 'from a child\n')
    await following.until(2)
    assert.deepEqual(following.lines, ['new', 'from a child'])
  })

  test(
    'of two workers that write fast, with files compressed under it, misses and doubles no line',
    bounded,
    async (t) => {
      let upkeep: LogUpkeep | undefined
      t.after(() => upkeep?.close()) // before its folder goes
      const folder = logFolder(t)
      const file = logFile(folder)
      const count = 20_000
      const program = temporaryProgram(
        t,
        'writer.cjs',
        `let n = 0
       const some = () => {
         for (let i = 0; i < 50 && n < ${count}; i++) console.log(process.argv[2], n++)
         if (n < ${count}) setImmediate(some)
         else process.disconnect()
       }
       process.once('message', some)
       process.send('up')`,
      )
      upkeep = new LogUpkeep(folder, (_app, reason) => assert.fail(reason))
      const settings = { format: 'text' as const, rotate: { size: 50_000, every: 0 } }
      const workers = ['a', 'b'].map((name) => logWorker(t, folder, settings, program, name))
      await Promise.all(workers.map(({ child }) => once(child, 'message')))
      const following = follow(t, [file])
      for (const { child } of workers) child.send('go')
      upkeep.tend('web', { keep: 1000, gzip: true })
      await following.until(count / 2)
      upkeep.tend('web', { keep: 1000, gzip: true })
      for (const { ended } of workers) await ended
      await following.until(2 * count)
      await following.end()
      for (const name of ['a', 'b']) {
        const numbers = following.lines.filter((line) => line.startsWith(name)).map((line) => +line.slice(2))
        assert.deepEqual(
          numbers.toSorted((x, y) => x - y),
          [...Array(count).keys()],
        )
      }
      assert.equal(following.lines.length, 2 * count)
    },
  )
})
