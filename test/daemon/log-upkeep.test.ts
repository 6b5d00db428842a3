// Rotated logs: compressed, the oldest removed, and every line there once whoever is killed on the way.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  watch,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { gunzipSync, gzipSync } from 'node:zlib'
import { LogUpkeep } from '../../src/daemon/log-upkeep.ts'
import { temporaryFolder } from '../support/temporary.ts'

const bounded = { timeout: 60_000 }
const rules = { keep: 10, gzip: true }

function upkeepOf(t: TestContext): { folder: string; upkeep: LogUpkeep; failures: string[] } {
  let upkeep: LogUpkeep | undefined
  t.after(() => upkeep?.close()) // before its folder goes
  const folder = temporaryFolder(t)
  const failures: string[] = []
  upkeep = new LogUpkeep(folder, (app, reason) => failures.push(`${app}: ${reason}`))
  return { folder, upkeep, failures }
}

const rotatedName = (second: number, slot = 0, suffix = 'out'): string =>
  `web-${slot}.${suffix}.20261121T1112${`${second}`.padStart(2, '0')}.000Z.log`

const content = (path: string): string =>
  (path.endsWith('.gz') ? gunzipSync(readFileSync(path)) : readFileSync(path)).toString()

suite('upkeep', () => {
  test(
    'compresses what was rotated, keeps its time and its owner alone, and leaves the present log',
    bounded,
    async (t) => {
      const { folder, upkeep, failures } = upkeepOf(t)
      writeFileSync(join(folder, 'web-0.out.log'), 'present\n')
      for (const second of [1, 2]) writeFileSync(join(folder, rotatedName(second)), `old ${second}\n`)
      utimesSync(join(folder, rotatedName(1)), 1000, 1000)
      upkeep.tend('web', rules)
      await upkeep.idle()
      assert.deepEqual(readdirSync(folder).sort(), [
        `${rotatedName(1)}.gz`,
        `${rotatedName(2)}.gz`,
        'web-0.out.log',
      ])
      const first = join(folder, `${rotatedName(1)}.gz`)
      assert.equal(content(first), 'old 1\n')
      assert.equal(statSync(first).mtimeMs, 1_000_000)
      assert.equal(statSync(first).mode & 0o777, 0o600)
      assert.deepEqual(failures, [])
    },
  )

  test('keeps so many of each stream of each slot, the newest', bounded, async (t) => {
    const { folder, upkeep } = upkeepOf(t)
    for (const second of [1, 2, 3]) writeFileSync(join(folder, rotatedName(second)), '')
    writeFileSync(join(folder, rotatedName(1, 1)), '')
    writeFileSync(join(folder, rotatedName(1, 0, 'err')), '')
    writeFileSync(join(folder, `${rotatedName(4)}.gz`), gzipSync(''))
    upkeep.tend('web', { keep: 2, gzip: false })
    await upkeep.idle()
    assert.deepEqual(
      readdirSync(folder).sort(),
      [rotatedName(1, 0, 'err'), rotatedName(3), `${rotatedName(4)}.gz`, rotatedName(1, 1)].sort(),
    )
  })

  test('does not touch what is not a rotated log of the app', bounded, async (t) => {
    const { folder, upkeep } = upkeepOf(t)
    const foreign = [
      'web-0.out.log',
      'web-0.out.log.1',
      'web-0.out.20261121T111201.000Z.log.bak',
      'web-0.out.20261121T111201.log',
      'web-0.out.20261399T111201.000Z.log',
      'web-0.in.20261121T111201.000Z.log',
      'web-0.out.20261121T111201.000Z.log.gz.x.new',
      'other-0.out.20261121T111201.000Z.log',
      'web-0.out.20261121T111201.000Z.log-0.out.20261121T111201.000Z.log',
      'my-web-0.out.20261121T111201.000Z.log',
    ]
    for (const name of foreign) writeFileSync(join(folder, name), name)
    upkeep.tend('web', { keep: 1, gzip: true })
    await upkeep.idle()
    assert.deepEqual(readdirSync(folder).sort(), foreign.sort())
  })

  test('leaves a file alone as long as somebody can write to it, however old it is', bounded, async (t) => {
    const { folder, upkeep } = upkeepOf(t)
    const born = join(folder, rotatedName(1))
    const fd = openSync(born, 'a')
    const reader = openSync(born, 'r') // somebody who follows the log is no writer
    for (const second of [2, 3]) writeFileSync(join(folder, rotatedName(second)), '')
    upkeep.tend('web', { keep: 1, gzip: true })
    await upkeep.idle()
    assert.deepEqual(readdirSync(folder).sort(), [rotatedName(1), `${rotatedName(3)}.gz`])
    writeSync(fd, 'last words\n')
    closeSync(fd)
    upkeep.tend('web', { keep: 2, gzip: true })
    await upkeep.idle()
    assert.deepEqual(readdirSync(folder).sort(), [`${rotatedName(1)}.gz`, `${rotatedName(3)}.gz`])
    assert.equal(content(`${born}.gz`), 'last words\n')
    closeSync(reader)
  })

  test('does what it is asked while it works, and several apps', bounded, async (t) => {
    const { folder, upkeep } = upkeepOf(t)
    writeFileSync(join(folder, rotatedName(1)), '')
    upkeep.tend('web', rules)
    writeFileSync(join(folder, rotatedName(2)), '')
    writeFileSync(join(folder, 'other-0.out.20261121T111201.000Z.log'), '')
    upkeep.tend('web', rules)
    upkeep.tend('other', rules)
    await upkeep.idle()
    assert.equal(
      readdirSync(folder).every((name) => name.endsWith('.gz')),
      true,
    )
  })

  test('says what went wrong', bounded, async (t) => {
    const { folder, upkeep, failures } = upkeepOf(t)
    rmSync(folder, { recursive: true })
    upkeep.tend('web', rules)
    await upkeep.idle()
    assert.match(failures.join(), /^web: logs could not be tidied: Error: ENOENT/)
  })
})

suite('a side program that is killed', () => {
  const line = (n: number): string => `${n} ${(n * 2654435761).toString(36)}\n`
  const text = Array.from({ length: 200_000 }, (_, n) => line(n)).join('')

  // Each thing that happens in the folder is a moment to be killed at: made, written to, renamed, removed.
  for (const moment of [1, 2, 5, 10, 20, 40]) {
    test(`at the ${moment}. change loses and doubles nothing`, bounded, async (t) => {
      const { folder, upkeep } = upkeepOf(t)
      const path = join(folder, rotatedName(1))
      writeFileSync(path, text)
      const changes = watch(folder)
      t.after(() => changes.close())
      upkeep.tend('web', rules)
      let seen = 0
      const reached = new Promise<void>((resolve) => {
        changes.on('change', () => {
          if (++seen === moment) resolve()
        })
      })
      await Promise.race([reached, upkeep.idle()])
      await upkeep.close()
      const whole = existsSync(path) ? path : `${path}.gz`
      assert.equal(content(whole) === text, true, `${whole} is whole`)

      const next = new LogUpkeep(folder, (_app, reason) => assert.fail(reason))
      next.tend('web', rules)
      await next.idle()
      assert.deepEqual(readdirSync(folder), [`${rotatedName(1)}.gz`])
      assert.equal(content(`${path}.gz`) === text, true)
    })
  }

  test('just before it removes the original leaves two copies, of which one goes', bounded, async (t) => {
    const { folder, upkeep } = upkeepOf(t)
    writeFileSync(join(folder, rotatedName(1)), 'line\n')
    writeFileSync(join(folder, `${rotatedName(1)}.gz`), gzipSync('line\n'))
    upkeep.tend('web', rules)
    await upkeep.idle()
    assert.deepEqual(readdirSync(folder), [`${rotatedName(1)}.gz`])
  })

  test('with its supervisor ends itself', bounded, async (t) => {
    const { folder } = upkeepOf(t)
    const { spawn } = await import('node:child_process')
    const program = new URL('../../src/daemon/tidy-logs.ts', import.meta.url).pathname
    writeFileSync(join(folder, rotatedName(1)), text)
    const child = spawn(process.execPath, [program, folder, 'web', '10', 'gzip'], {
      stdio: ['pipe', 'inherit', 'inherit'],
    })
    t.after(() => child.kill('SIGKILL'))
    child.stdin.end()
    const [code] = await once(child, 'exit')
    assert.equal(code, 1)
    assert.equal(content(join(folder, rotatedName(1))) === text, true)
  })
})
