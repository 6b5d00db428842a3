// Cgroups: where limits can be set and why not elsewhere, on a stand-in tree; and on the kernel's own where it lets us.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants, existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { AppCgroup, type CgroupPlaces, cgroupsAvailable, leaveAppCgroup } from '../../src/process/cgroup.ts'
import { temporaryFolder } from '../support/temporary.ts'

const own = 4242

/** A folder that looks like a cgroup tree; the kernel's rules are not in it. */
class Tree {
  readonly root: string
  readonly places: CgroupPlaces
  readonly base: string

  constructor(t: TestContext, membership: string, controllers = 'cpuset cpu io memory pids') {
    const folder = temporaryFolder(t)
    this.root = join(folder, 'cgroup fs')
    this.base = join(this.root, membership)
    this.#group(this.root)
    this.group(membership)
    this.write(join(membership, 'cgroup.controllers'), controllers)
    this.write(join(membership, 'cgroup.procs'), `${own}\n`)
    const mounts = join(folder, 'mountinfo')
    const line = `30 23 0:26 / ${this.root.replaceAll(' ', '\\040')} rw,nosuid shared:4 - cgroup2 cgroup2 rw\n`
    writeFileSync(mounts, `22 1 8:1 / / rw - ext4 /dev/sda1 rw\n${line}`)
    writeFileSync(join(folder, 'cgroup'), `1:name=systemd:/else\n0::${membership}\n`)
    this.places = { mounts, membership: join(folder, 'cgroup'), pid: own }
  }

  group(path: string): void {
    let folder = this.root
    for (const part of path.split('/').filter(Boolean)) {
      folder = join(folder, part)
      this.#group(folder)
      writeFileSync(join(folder, 'cgroup.type'), 'domain\n')
    }
  }

  #group(folder: string): void {
    mkdirSync(folder, { recursive: true })
    for (const file of ['cgroup.procs', 'cgroup.subtree_control', 'cgroup.controllers']) {
      if (!existsSync(join(folder, file))) writeFileSync(join(folder, file), '')
    }
  }

  write(path: string, text: string): void {
    writeFileSync(join(this.root, path), text)
  }

  read(path: string): string {
    return readFileSync(join(this.root, path), 'utf8')
  }
}

const unit = '/system.slice/brood.service'

test('in a delegated unit limits can be set', (t) => {
  const tree = new Tree(t, unit)
  assert.deepEqual(cgroupsAvailable(tree.places), { ok: true, base: tree.base })
})

for (const leaf of ['supervisor', 'brood-web'] as const) {
  test(`a supervisor in the cgroup ${leaf} uses the one above`, (t) => {
    const tree = new Tree(t, `${unit}/${leaf}`)
    tree.write(join(unit, 'cgroup.controllers'), 'cpu memory')
    assert.deepEqual(cgroupsAvailable(tree.places), { ok: true, base: join(tree.root, unit) })
  })
}

for (const [name, tree, says] of [
  [
    'no cgroup v2',
    (t: TestContext) => ({ ...new Tree(t, unit).places, mounts: '/dev/null' }),
    /no cgroup v2/,
  ],
  [
    'a process outside of what can be seen',
    (t: TestContext) => ({ ...new Tree(t, unit).places, membership: '/dev/null' }),
    /can be seen/,
  ],
  ['no controllers', (t: TestContext) => new Tree(t, unit, 'cpuset cpu').places, /no controller memory/],
  [
    'a session that others share',
    (t: TestContext) => {
      const shared = new Tree(t, '/user.slice/session-1.scope')
      shared.write('/user.slice/session-1.scope/cgroup.procs', `${own}\n77\n`)
      return shared.places
    },
    /other programs share .* \(pid 77\)/,
  ],
] as const) {
  test(`${name}: a notice that says what to do`, (t) => {
    const found = cgroupsAvailable(tree(t))
    assert.ok(!found.ok)
    assert.match(found.why, says)
    assert.match(found.mend, /brood startup/)
  })
}

test('an app gets a cgroup with its limits, and its processes go there', (t) => {
  const tree = new Tree(t, unit)
  const group = new AppCgroup(tree.base, 'web', { cpu: 1.5, memory: 100_000_000 })
  assert.equal(existsSync(group.path), false)
  group.set()
  assert.equal(basename(group.path), 'brood-web')
  assert.equal(
    tree.read(`${unit}/supervisor/cgroup.procs`),
    String(own),
    'the supervisor has moved into a leaf',
  )
  assert.equal(tree.read(`${unit}/cgroup.subtree_control`), '+cpu +memory')
  const limits = ['cpu.max', 'memory.high', 'memory.max'].map((file) =>
    readFileSync(join(group.path, file), 'utf8'),
  )
  assert.deepEqual(limits, ['150000 100000', 'max', '100000000'])
  assert.equal(group.add(77), undefined)
  assert.deepEqual(group.pids, [77])
})

test('limits that were taken back are set again with the next worker; those that are there are left alone', (t) => {
  const tree = new Tree(t, unit)
  const group = new AppCgroup(tree.base, 'web', { memory: 1_000_000 })
  group.set()
  writeFileSync(join(group.path, 'memory.max'), '999424') // the kernel rounds to pages
  group.add(77)
  assert.equal(readFileSync(join(group.path, 'memory.max'), 'utf8'), '999424')
  writeFileSync(join(group.path, 'memory.max'), 'max\n')
  group.add(78)
  assert.equal(readFileSync(join(group.path, 'memory.max'), 'utf8'), '1000000')
  assert.equal(readFileSync(join(group.path, 'cpu.max'), 'utf8'), 'max')
})

test('a unit whose name begins like our cgroups is a unit, and an app may be named like a unit', (t) => {
  const tree = new Tree(t, '/system.slice/brood-b.service')
  leaveAppCgroup(tree.places)
  assert.deepEqual(cgroupsAvailable(tree.places), { ok: true, base: tree.base })
  assert.equal(existsSync(join(tree.root, 'system.slice/supervisor')), false)
  const { path } = new AppCgroup(tree.base, 'b.service', {})
  const [inside, expected] = [
    new Tree(t, `/system.slice/brood-b.service/${basename(path)}`),
    '/system.slice/brood-b.service',
  ]
  inside.write(`${expected}/cgroup.controllers`, 'cpu memory')
  assert.deepEqual(cgroupsAvailable(inside.places), { ok: true, base: join(inside.root, expected) })
})

test('a process that the kernel has ended for want of memory is told once', (t) => {
  const tree = new Tree(t, unit)
  const events = (count: number): void =>
    tree.write(`${unit}/brood-web/memory.events`, `low 0\nhigh 9\nmax 7\noom 3\noom_kill ${count}\n`)
  tree.group(`${unit}/brood-web`)
  events(2) // under an earlier supervisor
  const group = new AppCgroup(tree.base, 'web', { memory: 1_000_000 })
  assert.equal(group.hasRunOut(), false)
  events(3)
  assert.deepEqual([group.hasRunOut(), group.hasRunOut()], [true, false])
  events(0) // controllers were taken back
  assert.equal(group.hasRunOut(), false)
  events(1)
  assert.equal(group.hasRunOut(), true)
})

test('a supervisor that a worker has brought up leaves the cgroup of its app', (t) => {
  const tree = new Tree(t, `${unit}/brood-web`)
  leaveAppCgroup(tree.places)
  assert.equal(tree.read(`${unit}/supervisor/cgroup.procs`), String(own))
  const elsewhere = new Tree(t, unit)
  leaveAppCgroup(elsewhere.places)
  assert.equal(existsSync(join(elsewhere.base, 'supervisor')), false)
})

/** The folder of a v2 tree in which this test may limit processes. */
function realBase(): string | undefined {
  for (const root of ['/sys/fs/cgroup', '/sys/fs/cgroup/unified']) {
    try {
      const passed = readFileSync(join(root, 'cgroup.subtree_control'), 'utf8').trim().split(' ')
      accessSync(root, constants.W_OK)
      if (passed.includes('cpu') && passed.includes('memory')) return root
    } catch {
      // not there, or not ours
    }
  }
  return undefined
}

const root = realBase()
const skip = root === undefined && 'this machine has no writable cgroup v2 with cpu and memory'

test('the kernel holds a process to its limits', { timeout: 30_000, skip }, async (t) => {
  assert.ok(root)
  const base = join(root, `brood-test-${process.pid}.service`)
  mkdirSync(base)
  const wait = 'console.log(1); process.stdin.resume()'
  const greedy = `process.stdin.once('data', () => { const all = []; for (;;) all.push(Buffer.alloc(1 << 20, 1)) }); console.log(1)`
  const [other, worker] = [wait, greedy].map((source) => spawn(process.execPath, ['-e', source]))
  assert.ok(other?.pid && worker?.pid)
  t.after(async () => {
    for (const child of [other, worker]) {
      if (child.exitCode === null && child.signalCode === null) {
        const ended = once(child, 'exit')
        child.kill('SIGKILL')
        await ended
      }
    }
    for (const leaf of ['supervisor', 'brood-web']) rmdirSync(join(base, leaf))
    rmdirSync(base)
  })
  await Promise.all([other, worker].map((child) => once(child.stdout, 'data')))
  writeFileSync(join(base, 'cgroup.procs'), String(other.pid))
  const group = new AppCgroup(base, 'web', { cpu: 0.5, memory: 128 << 20 })
  group.set()
  assert.match(readFileSync(join(base, 'supervisor/cgroup.procs'), 'utf8'), new RegExp(`^${other.pid}$`, 'm'))
  assert.equal(group.add(worker.pid), undefined)
  assert.deepEqual(group.pids, [worker.pid])
  assert.equal(group.remove(), false, 'a cgroup with a process in it stays')
  const ended = once(worker, 'exit')
  worker.stdin.write('go\n')
  assert.deepEqual(await ended, [null, 'SIGKILL'])
  assert.equal(group.hasRunOut(), true)
})
