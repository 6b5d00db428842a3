// The unit under a real systemd: start, crash, stop, boot after boot, and a supervisor that was there already.
import assert from 'node:assert/strict'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { SupervisorReport } from '../../src/daemon/control/contract.ts'
import type { AppReport } from '../../src/supervisor/report.ts'
import { program, type Ran } from '../support/brood.ts'
import { bin, environmentOf } from '../support/command.ts'
import { OwnSystemd } from '../support/systemd.ts'
import { temporaryFolder } from '../support/temporary.ts'

const timeout = 60_000

/** A unit that `brood startup` has written, running, and saying when it has started. */
class Unit {
  readonly systemd: OwnSystemd

  private constructor(systemd: OwnSystemd) {
    this.systemd = systemd
  }

  static async start(t: TestContext): Promise<Unit | undefined> {
    const systemd = await OwnSystemd.start(t, environmentOf(temporaryFolder(t)))
    if (systemd === undefined) return undefined
    const unit = new Unit(systemd)
    const written = await unit.brood('startup', '--user-unit', '--write')
    assert.equal(written.code, 0, written.stderr)
    unit.add('says', `ExecStartPost=${systemd.saying('started')}`)
    await systemd.systemctl('daemon-reload')
    await systemd.systemctl('enable', '--now', 'brood.service')
    await systemd.says('started')
    return unit
  }

  /** A drop-in, as `systemctl edit` makes them. */
  add(name: string, line: string): void {
    const folder = join(this.systemd.units, 'brood.service.d')
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, `${name}.conf`), `[Service]\n${line}\n`)
  }

  async remove(name: string): Promise<void> {
    rmSync(join(this.systemd.units, 'brood.service.d', `${name}.conf`))
    await this.systemd.systemctl('daemon-reload')
  }

  brood(...args: string[]): Promise<Ran> {
    return this.systemd.run(process.execPath, bin, ...args)
  }

  async json<T>(...args: string[]): Promise<T> {
    const ran = await this.brood(...args, '--json')
    assert.equal(ran.code, 0, ran.stderr + ran.stdout)
    return JSON.parse(ran.stdout)
  }

  show(property: string): Promise<string> {
    return this.systemd.systemctl('show', '-P', property, 'brood.service')
  }

  async kill9(pid: number): Promise<void> {
    assert.equal((await this.systemd.run('/bin/kill', '-9', String(pid))).code, 0)
  }

  /** Each look is a command of its own. */
  async untilReady(app: string): Promise<AppReport> {
    for (;;) {
      const found = (await this.json<AppReport[]>('list')).find(({ name }) => name === app)
      if (found?.workers.some(({ state }) => state === 'ready')) return found
    }
  }
}

async function supervisorOf(unit: Unit): Promise<SupervisorReport> {
  const report = await unit.json<SupervisorReport>('show')
  assert.equal(await unit.show('MainPID'), String(report.pid))
  return report
}

const start = ['start', program('http.js'), '--name', 'web', '--env', 'PORT=0']

test('the supervisor is the main process, and is started again when it dies', { timeout }, async (t) => {
  const unit = await Unit.start(t)
  if (unit === undefined) return
  const first = await supervisorOf(unit)
  assert.equal(await unit.show('ActiveState'), 'active')
  assert.match(await unit.show('StatusText'), /^supervising /)
  assert.equal((await unit.brood(...start)).code, 0)
  await unit.kill9(first.pid)
  await unit.systemd.says('started')
  const second = await supervisorOf(unit)
  assert.notEqual(second.pid, first.pid)
  await unit.untilReady('web')
})

test('stop ends all apps and remembers them, start brings them back', { timeout }, async (t) => {
  const unit = await Unit.start(t)
  if (unit === undefined) return
  const report = await unit.json<AppReport>(...start)
  await unit.systemd.systemctl('stop', 'brood.service')
  assert.equal(await unit.show('Result'), 'success')
  for (const { pid } of report.workers)
    assert.notEqual(
      (await unit.systemd.run('/bin/kill', '-0', String(pid))).code,
      0,
      'a worker outlived stop',
    )
  await unit.systemd.systemctl('start', 'brood.service')
  await unit.systemd.says('started')
  await unit.untilReady('web')
})

test('after brood kill the unit is at rest, and is not started again', { timeout }, async (t) => {
  const unit = await Unit.start(t)
  if (unit === undefined) return
  unit.add('ended', `ExecStopPost=${unit.systemd.saying('ended')}`)
  await unit.systemd.systemctl('daemon-reload')
  assert.equal((await unit.brood('kill')).code, 0)
  await unit.systemd.says('ended')
  await unit.systemd.systemctl('stop', 'brood.service') // waits for the end of what goes on
  assert.equal(await unit.show('Result'), 'success')
  assert.equal(await unit.show('NRestarts'), '0')
})

test('a supervisor that was brought up inside of the unit becomes its main process', {
  timeout,
}, async (t) => {
  const unit = await Unit.start(t)
  if (unit === undefined) return
  const first = await supervisorOf(unit)
  // Between the crash and systemd's next try, as workers do it.
  const words = [process.execPath, bin, ...start].map((word) => `"${word}"`).join(' ')
  unit.add('repair', `ExecStopPost=${words}`)
  await unit.systemd.systemctl('daemon-reload')
  await unit.kill9(first.pid)
  await unit.systemd.says('started')
  const second = await supervisorOf(unit)
  assert.equal(await unit.show('ActiveState'), 'active')
  const before = await unit.untilReady('web')
  assert.equal(
    await unit.show('StatusText'),
    (await unit.show('StatusText')).replace(/;.*/, '; it was there already'),
  )
  // From now on systemd watches that one.
  await unit.remove('repair')
  await unit.kill9(second.pid)
  await unit.systemd.says('started')
  assert.notEqual((await supervisorOf(unit)).pid, second.pid)
  assert.equal((await unit.untilReady('web')).name, before.name)
})

test('one that runs outside of the unit is left alone, and is not tried again', { timeout }, async (t) => {
  const unit = await Unit.start(t)
  if (unit === undefined) return
  await unit.systemd.systemctl('stop', 'brood.service')
  assert.equal((await unit.brood(...start)).code, 0)
  const outside = await unit.json<SupervisorReport>('show')
  const ran = await unit.systemd.run('systemctl', '--user', 'start', 'brood.service')
  assert.notEqual(ran.code, 0)
  assert.equal(await unit.show('ExecMainStatus'), '78')
  assert.equal(await unit.show('NRestarts'), '0')
  assert.equal((await unit.json<SupervisorReport>('show')).pid, outside.pid)
  assert.equal((await unit.brood('kill')).code, 0)
})
