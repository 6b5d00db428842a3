// What programs write to stdout and stderr, as it stands in their logs: formats, rotation by several writers, and sudden ends.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { parseLogLine } from '../../src/wire/log-line.ts'
import { contents, linesOf, logFolder, logWorker, pathOf } from '../support/logs/log-worker.ts'
import { temporaryProgram } from '../support/temporary.ts'

const bounded = { timeout: 60_000 }
/** fastify's own logger; it writes to descriptor 1 by number. */
const pino = createRequire(createRequire(import.meta.url).resolve('fastify')).resolve('pino')
const rotating = { rotate: { size: 8_000, every: 0 } }

/** Runs a program to its end. */
async function run(t: TestContext, settings: Parameters<typeof logWorker>[2], source: string) {
  const folder = logFolder(t)
  const worker = logWorker(t, folder, settings, temporaryProgram(t, 'program.cjs', source))
  assert.deepEqual(await worker.ended, { code: 0, signal: null })
  return { folder, worker }
}

const texts = (lines: readonly string[]): string[] => lines.map((line) => parseLogLine(line).text)

suite('formats', () => {
  test('text: the time, then the line', bounded, async (t) => {
    const before = Date.now()
    const source = `console.log('one'); console.log('two\\nthree'); console.error('err')`
    const { folder } = await run(t, { format: 'text' }, source)
    const out = linesOf(folder, 'stdout')
    assert.deepEqual(texts(out), ['one', 'two', 'three'])
    for (const line of [...out, ...linesOf(folder, 'stderr')]) {
      assert.match(line, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \w+$/)
      const { time = 0 } = parseLogLine(line)
      assert.ok(time >= before && time <= Date.now(), line)
    }
  })

  test('json: an object for each line', bounded, async (t) => {
    const { folder, worker } = await run(t, { format: 'json' }, `console.error('say "hi"\\n\\tthere')`)
    const lines = linesOf(folder, 'stderr').map((line) => JSON.parse(line))
    const { pid } = worker.child
    for (const { time } of lines) assert.equal(new Date(time).toISOString(), time)
    assert.deepEqual(
      lines.map(({ time, ...rest }) => rest),
      ['say "hi"', '\tthere'].map((line) => ({ stream: 'stderr', slot: 0, pid, line })),
    )
  })

  test('a line in pieces is one line, also when a character is cut', bounded, async (t) => {
    const source = `
      for (const byte of Buffer.from('größer 🐣\\n')) process.stdout.write(Buffer.of(byte))
      process.stdout.write('a'); process.stdout.write('b\\nlast'); process.stdout.write(' words')
      process.on('exit', () => process.stdout.write(' at the exit'))`
    const { folder } = await run(t, { format: 'text' }, source)
    assert.deepEqual(texts(linesOf(folder, 'stdout')), ['größer 🐣', 'ab', 'last words', ' at the exit'])
  })

  test('a line that is written letter by letter costs no more than its length', bounded, async (t) => {
    const source = `for (let n = 0; n < 900_000; n++) process.stdout.write('.'); process.stdout.write('\\n')`
    const { folder } = await run(t, { format: 'text' }, source)
    assert.deepEqual(
      texts(linesOf(folder, 'stdout')).map((line) => line.length),
      [900_000],
    )
  })

  test('raw: byte for byte', bounded, async (t) => {
    const source = `
      process.stdout.write(Buffer.of(0xff, 0x00, 0x0a)); process.stdout.write('ÿ', 'latin1'); process.stdout.write('')
      process.stdout.write('no newline')`
    const { folder } = await run(t, rotating, source)
    const bytes = readFileSync(pathOf(folder, 'stdout'))
    assert.deepEqual(bytes, Buffer.from('ff000aff6e6f206e65776c696e65', 'hex'))
  })

  test('nothing is opened or changed for a raw log that is never rotated', bounded, async (t) => {
    const source = `console.log(process.stdout.constructor.name, require('fs').writeSync.name)`
    const { folder } = await run(t, {}, source)
    assert.deepEqual(linesOf(folder, 'stdout'), ['SyncWriteStream writeSync'])
  })

  test('the streams are as programs know them', bounded, async (t) => {
    const source = `
      const { stdout } = process
      stdout.write('seen\\n', () => {
        console.log(stdout.fd, stdout === process.stdout, stdout.isTTY, stdout.writableLength)
        require('stream').pipeline(require('stream').Readable.from(['piped\\n']), stdout, () => {
          console.log('after the pipeline')
          stdout.destroy()
          stdout.write('after destroy\\n')
        })
      })`
    const { folder } = await run(t, { format: 'text' }, source)
    assert.deepEqual(texts(linesOf(folder, 'stdout')), [
      'seen',
      '1 true undefined 0',
      'piped',
      'after the pipeline',
      'after destroy',
    ])
  })
})

suite('descriptors 1 and 2', () => {
  test('written to by number belong to the log', bounded, async (t) => {
    const source = `
      const fs = require('fs')
      const { writeSync } = fs
      fs.writeSync(1, 'string\\n')
      fs.writeSync(1, '6869', null, 'hex')
      fs.writeSync(1, Buffer.from('xx!\\nxx'), 2, 2)
      fs.writeFileSync(1, 'file\\n')
      fs.appendFileSync(1, '6c6174696e310a', { encoding: 'hex' })
      fs.writeFileSync(1, Buffer.from('bytes\\n'), 'hex')
      fs.writevSync(1, [Buffer.from('v1\\n'), new Uint8Array([118, 50, 10])])
      fs.write(1, Buffer.from('..async\\n'), { offset: 2 }, (error, length) => {
        if (error !== null || length !== 6) throw new Error('wrong answer')
        require('util').promisify(fs.write)(1, 'promise\\n').then(({ bytesWritten, buffer }) => {
          fs.writev(1, [Buffer.from(buffer)], () => fs.writeSync(1, bytesWritten + '\\n'))
        })
      })
      try { fs.writeSync(1, 42) } catch (error) { fs.writeSync(2, error.code + '\\n') }
      import('node:fs').then(({ writeSync }) => writeSync(2, 'from a module\\n'))`
    const { folder } = await run(t, { format: 'text' }, source)
    const out = texts(linesOf(folder, 'stdout'))
    assert.deepEqual(out, [
      'string',
      'hi!',
      'file',
      'latin1',
      'bytes',
      'v1',
      'v2',
      'async',
      'promise',
      'promise',
      '8',
    ])
    assert.deepEqual(texts(linesOf(folder, 'stderr')), ['ERR_INVALID_ARG_TYPE', 'from a module'])
  })

  test("a logger's own writes (pino) are rotated, each line once", bounded, async (t) => {
    const source = `
      const log = require(${JSON.stringify(pino)})()
      for (let n = 0; n < 1000; n++) log.info({ n })`
    const { folder } = await run(t, rotating, source)
    assert.ok(contents(folder, 'stdout').length > 5)
    const numbers = linesOf(folder, 'stdout').map((line) => JSON.parse(line).n)
    assert.deepEqual(numbers, [...Array(1000).keys()])
  })

  test(
    'children and the last words of Node itself write raw to the file of the birth',
    bounded,
    async (t) => {
      const folder = logFolder(t)
      const source = `
      for (let n = 0; n < 1000; n++) console.error('line ' + n)
      require('child_process').execFileSync('/bin/sh', ['-c', 'echo from a child >&2'], { stdio: 'inherit' })
      throw new Error('last words')`
      const worker = logWorker(
        t,
        folder,
        { ...rotating, format: 'text' },
        temporaryProgram(t, 'program.cjs', source),
      )
      assert.equal((await worker.ended).code, 1)
      const [birth = '', ...later] = contents(folder, 'stderr')
      assert.match(birth, /^from a child$/m)
      assert.match(birth, /^Error: last words$/m)
      assert.doesNotMatch(later.join(''), /child|last words/)
      const numbered = texts(linesOf(folder, 'stderr')).filter((line) => line.startsWith('line '))
      assert.deepEqual(
        numbered,
        Array.from({ length: 1000 }, (_, n) => `line ${n}`),
      )
    },
  )
})

suite('rotation', () => {
  const count = 20_000
  const writer = `
    const [, , name] = process.argv
    let n = 0
    // A turn of the event loop now and then, as programs have it.
    const some = () => {
      for (let i = 0; i < 100 && n < ${count}; i++) console.log(name + ' ' + n++ + ' ' + 'x'.repeat(n % 50))
      if (n < ${count}) setImmediate(some)
      else process.send?.('written', () => process.disconnect())
    }
    process.once('message', some)
    process.send('up')`

  for (const format of ['raw', 'text', 'json'] as const) {
    test(`${format}: two writers of one file lose, tear and double no line`, bounded, async (t) => {
      const folder = logFolder(t)
      const program = temporaryProgram(t, 'writer.cjs', writer)
      const settings = { format, rotate: { size: 30_000, every: 0 } }
      const workers = ['a', 'b'].map((name) => logWorker(t, folder, settings, program, name))
      await Promise.all(workers.map(({ child }) => once(child, 'message')))
      for (const { child } of workers) child.send('go')
      for (const { ended } of workers) assert.equal((await ended).code, 0)
      const files = contents(folder, 'stdout')
      const lines = texts(linesOf(folder, 'stdout'))
      assert.ok(files.length > 20, `${files.length} files`)
      for (const name of ['a', 'b']) assertNumbered(lines, name, count)
      assert.equal(lines.length, 2 * count)
      const told = workers.flatMap(({ messages }) => messages.filter(({ type }) => type === 'rotated'))
      assert.equal(told.length, files.length - 1, 'each rotation is told once')
      assert.equal(
        readdirSync(folder).some((name) => name.endsWith('.rotating')),
        false,
      )
    })
  }

  test(
    'a writer that is killed has lost nothing it had written, and its sibling goes on',
    bounded,
    async (t) => {
      const folder = logFolder(t)
      const endless = temporaryProgram(
        t,
        'endless.cjs',
        `let n = 0
       const some = () => {
         for (let i = 0; i < 100; i++) console.log('victim ' + n++)
         process.send(n, () => setImmediate(some))
       }
       some()`,
      )
      const settings = { format: 'json' as const, rotate: { size: 20_000, every: 0 } }
      const sibling = logWorker(t, folder, settings, temporaryProgram(t, 'writer.cjs', writer), 'b')
      await once(sibling.child, 'message')
      const victim = logWorker(t, folder, settings, endless)
      let written = 0
      sibling.child.send('go')
      await new Promise<void>((resolve) => {
        victim.child.on('message', (n) => {
          written = Number(n)
          if (written >= 5_000) resolve()
        })
      })
      victim.child.kill('SIGKILL')
      assert.equal((await victim.ended).signal, 'SIGKILL')
      assert.equal((await sibling.ended).code, 0)
      const lines = texts(linesOf(folder, 'stdout'))
      assertNumbered(lines, 'b', count)
      const victims = lines.filter((line) => line.startsWith('victim '))
      assert.ok(victims.length >= written, `${written} were written, ${victims.length} are there`)
      assertNumbered(lines, 'victim', victims.length)
    },
  )

  test('a file of an earlier worker is gone on with, and rotated when it is full', bounded, async (t) => {
    const folder = logFolder(t)
    appendFileSync(pathOf(folder, 'stdout'), `${'x'.repeat(7_990)}\n`)
    const worker = logWorker(
      t,
      folder,
      rotating,
      temporaryProgram(t, 'program.cjs', `console.log('short'); console.log('next')`),
    )
    await worker.ended
    const [old, present] = contents(folder, 'stdout')
    assert.deepEqual([old?.slice(-6), present], ['short\n', 'next\n'])
    const [rotated] = worker.messages.filter((message) => message.type === 'rotated')
    assert.equal(rotated?.stream, 'stdout')
    assert.ok(readdirSync(folder).includes(rotated?.path.slice(join(folder, '/').length) ?? ''))
  })
})

suite('a full disk', () => {
  test(
    'costs lines and says so; the worker goes on, and no later line is glued to half a one',
    bounded,
    async (t) => {
      const folder = smallDisk(t)
      if (folder === undefined) return
      const source = `
      const fs = require('fs')
      const filling = ${JSON.stringify(join(folder, 'filling'))}
      console.log('before')
      try { for (;;) fs.appendFileSync(filling, Buffer.alloc(4096)) } catch {}
      for (let n = 0; n < 50; n++) console.log('x'.repeat(1000))
      fs.rmSync(filling)
      console.log('there is room again')`
      const worker = logWorker(
        t,
        folder,
        { format: 'json', rotate: { size: 100_000, every: 0 } },
        temporaryProgram(t, 'program.cjs', source),
      )
      assert.deepEqual(await worker.ended, { code: 0, signal: null })
      const told = worker.messages.filter(({ type }) => type === 'unwritten')
      assert.deepEqual(told, [{ type: 'unwritten', stream: 'stdout', code: 'ENOSPC' }])
      const lines = linesOf(folder, 'stdout')
      assert.equal(JSON.parse(lines[0] ?? '').line, 'before')
      assert.equal(JSON.parse(lines.at(-1) ?? '').line, 'there is room again')
      assert.ok(lines.length < 52)
    },
  )
})

/** A disk of 256 KB; undefined, and the test skipped, where none can be mounted. */
function smallDisk(t: TestContext): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'brood-disk-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', folder], { stdio: 'pipe' })
  } catch {
    rmdirSync(folder)
    t.skip('no file system can be mounted here (that takes root, and a container that may)')
    return undefined
  }
  t.after(() => {
    execFileSync('umount', ['--lazy', folder])
    rmdirSync(folder)
  })
  return folder
}

/** The lines `name 0`, `name 1`, …: each once, in order. */
function assertNumbered(lines: readonly string[], name: string, count: number): void {
  const numbers = lines
    .filter((line) => line.startsWith(`${name} `))
    .map((line) => Number(line.split(' ')[1]))
  const wrong = numbers.findIndex((n, index) => n !== index)
  assert.equal(wrong, -1, `${name}: ${numbers.slice(Math.max(0, wrong - 2), wrong + 3)} at ${wrong}`)
  assert.equal(numbers.length, count)
}
