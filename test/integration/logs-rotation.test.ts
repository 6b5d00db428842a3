// Rotated logs through the real supervisor: every line once and whole, whoever is replaced or killed while they are written.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { Brood, pidsOf } from '../support/brood.ts'
import { temporaryProgram } from '../support/temporary.ts'

const bounded = { timeout: 60_000 }

/** Writes numbered lines, some at every turn of its loop, until it drains. */
const chatter = `
import { setTimeout as wait } from 'node:timers/promises'
let on = true
process.on('SIGTERM', () => { on = false })
process.send('ready')
for (let number = 0; on; await wait(2))
  for (let count = 0; count < 20; count++) console.log(\`\${process.pid} line \${number++} \${'x'.repeat(60)}\`)
console.log(\`\${process.pid} last\`)
process.exit()
`

function startChatter(t: TestContext, brood: Brood, ...flags: string[]): ReturnType<Brood['launch']> {
  const script = temporaryProgram(t, 'chatter.mjs', chatter)
  return brood.launch(script, '--name', 'web', '--ready', 'message', ...flags)
}

function filesOf(brood: Brood): string[] {
  return readdirSync(join(brood.home, 'logs')).filter((name) => name.includes('.out.'))
}

/** All lines in all files of stdout, rotated and compressed ones too. */
function linesOf(brood: Brood): string[] {
  return filesOf(brood).flatMap((name) => {
    const content = readFileSync(join(brood.home, 'logs', name))
    const text = (name.endsWith('.gz') ? gunzipSync(content) : content).toString()
    assert.ok(text === '' || text.endsWith('\n'), `${name} ends within a line`)
    return text.split('\n').filter(Boolean)
  })
}

/** Fails when a line is torn, missing or there twice; how many each process has written. */
function assertWhole(lines: readonly string[]): Map<number, number> {
  const numbers = new Map<number, number[]>()
  for (const line of lines) {
    const parsed = /^(\d+) (?:line (\d+) x{60}|last)$/.exec(line)
    assert.ok(parsed, `torn: ${line}`)
    const [, pid, number] = parsed
    if (number === undefined) continue
    const known = numbers.get(Number(pid)) ?? []
    known.push(Number(number))
    numbers.set(Number(pid), known)
  }
  for (const [pid, found] of numbers) {
    const sorted = found.toSorted((a, b) => a - b)
    assert.ok(
      sorted.every((number, index) => number === index),
      `a line of ${pid} is missing or doubled`,
    )
  }
  return new Map([...numbers].map(([pid, { length }]) => [pid, length]))
}

/** Settles when so many files of stdout have been begun; each look is a command of its own. */
async function untilRotated(brood: Brood, count: number): Promise<void> {
  const before = new Set(filesOf(brood))
  let fresh = 0
  while (fresh < count) {
    await brood.list()
    fresh = filesOf(brood).filter((name) => !before.has(name)).length
  }
}

describe('rotated logs', { concurrency: 2 }, () => {
  test('have every line once, over reloads, a killed worker and a killed supervisor', bounded, async (t) => {
    const brood = Brood.create(t)
    const flags = ['-w', '2', '--log-size', '100KB', '--log-keep', '1000']
    const first = await startChatter(t, brood, ...flags)
    await untilRotated(brood, 2)
    const reloaded = await brood.run('reload', 'web')
    assert.equal(reloaded.code, 0, reloaded.stderr)
    const [second] = await brood.list()
    const [victim] = pidsOf(second)
    process.kill(victim ?? 0, 'SIGKILL')
    await brood.event(({ type, pid }) => type === 'worker-exited' && pid === victim)
    const survivor = pidsOf(second)[1]
    await brood.killSupervisor()
    await brood.event(({ type, pid }) => type === 'worker-returned' && pid === survivor)
    await untilRotated(brood, 2)
    const again = await brood.run('reload', 'web')
    assert.equal(again.code, 0, again.stderr)
    await untilRotated(brood, 2)
    const last = await brood.run('logs', 'web', '-n', '5')
    assert.equal(last.stdout.trimEnd().split('\n').length, 10)
    const stopped = await brood.run('stop', 'web')
    assert.equal(stopped.code, 0, stopped.stderr)
    // Nothing is moved any more when all that was rotated is compressed; each look is a command of its own.
    while (filesOf(brood).some((name) => !/^web-\d\.out\.(log|.*\.log\.gz)$/.test(name))) await brood.list()
    const written = assertWhole(linesOf(brood))
    for (const pid of [...pidsOf(first), ...pidsOf(second)]) assert.ok(written.has(pid), `${pid} wrote`)
    assert.ok(filesOf(brood).some((name) => name.endsWith('.gz')))
    const found = await brood.run('logs', 'web', '--grep', `^${survivor} line (7|77|777) `, '-n', '1000')
    const numbers = found.stdout.split('\n').filter(Boolean)
    assert.equal(
      numbers.length,
      [7, 77, 777].filter((number) => number < (written.get(survivor ?? 0) ?? 0)).length,
    )
  })

  test('are followed without a gap, and searched by time', bounded, async (t) => {
    const brood = Brood.create(t)
    await startChatter(t, brood, '--log-size', '50KB', '--log-keep', '1000', '--log-format', 'json')
    const following = brood.spawn('logs', '-f', 'web', '-n', '1', '--json')
    let text = ''
    following.stdout?.setEncoding('utf8').on('data', (piece: string) => {
      text += piece
    })
    await untilRotated(brood, 3)
    const recent = await brood.run('logs', 'web', '--since', '1h', '--json')
    const [one] = recent.stdout.split('\n')
    const { line, ...rest } = JSON.parse(one ?? '')
    assert.match(line, /^\d+ line \d+ x{60}$/)
    assert.deepEqual([rest.app, rest.slot, rest.stream], ['web', 0, 'stdout'])
    assert.ok(Math.abs(Date.parse(rest.time) - Date.now()) < 60_000)
    following.kill('SIGINT')
    assert.equal((await brood.run('stop', 'web')).code, 0)
    const followed = text.split('\n').slice(0, -1)
    const numbers = followed.map((each) => Number(/ line (\d+) /.exec(JSON.parse(each).line)?.[1]))
    assert.ok(numbers.length > 100)
    const gap = numbers.findIndex((number, index) => index > 0 && number !== (numbers[index - 1] ?? 0) + 1)
    assert.equal(gap, -1, `after ${numbers.slice(gap - 2, gap)} came ${numbers.slice(gap, gap + 3)}`)
  })

  test('take other settings by brood apply', bounded, async (t) => {
    const brood = Brood.create(t)
    const script = temporaryProgram(t, 'chatter.mjs', chatter)
    const config = join(brood.home, 'brood.config.json')
    const apply = async (logs: object): Promise<{ how?: string }> => {
      writeFileSync(config, JSON.stringify({ apps: [{ name: 'web', script, ready: 'message', logs }] }))
      const { plan } = await brood.json<{ plan: { how?: string }[] }>('apply', config)
      return plan[0] ?? {}
    }
    await apply({})
    const [raw] = await brood.list()
    const reloaded = await apply({ format: 'json', rotate: { size: '50KB' } })
    assert.equal(reloaded.how, 'reload')
    const [json] = await brood.list()
    assert.notDeepEqual(pidsOf(json), pidsOf(raw))
    await untilRotated(brood, 4)
    const kept = await apply({ format: 'json', rotate: { size: '50KB', keep: 1 } })
    assert.equal(kept.how, 'live')
    assert.deepEqual(pidsOf((await brood.list())[0]), pidsOf(json), 'the workers stay')
    assert.equal((await brood.run('stop', 'web')).code, 0)
    // The present one and one that was rotated; each look is a command of its own.
    while (filesOf(brood).length > 2) await brood.list()
    const lines = readFileSync(join(brood.home, 'logs/web-0.out.log'), 'utf8').trimEnd().split('\n')
    assert.equal(JSON.parse(lines.at(-1) ?? '').slot, 0)
  })
})
