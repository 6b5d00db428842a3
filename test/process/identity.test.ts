// Users and groups by name and number, who may become whom, and how a process's priority is set.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { getPriority } from 'node:os'
import { describe, test } from 'node:test'
import { type Directory, findUser, resolveIdentity } from '../../src/process/identity.ts'
import { setNice } from '../../src/process/priority.ts'

const passwd = ['root:x:0:0:root:/root:/bin/sh', 'web:x:1001:1002::/srv/web:/bin/false']
const group = ['root:x:0:', 'web:x:1002:', 'logs:x:7:web']

function directory(uid: number, gid = uid): Directory {
  return {
    entry(database, key) {
      const lines = database === 'passwd' ? passwd : group
      const field = /^\d+$/.test(String(key)) ? 2 : 0
      return lines.find((line) => line.split(':')[field] === String(key))
    },
    self: { uid, gid },
  }
}

const web = { HOME: '/srv/web', USER: 'web', LOGNAME: 'web' }

describe('root asks for', () => {
  for (const [name, wanted, expected] of [
    ['nobody else', {}, undefined],
    ['a user by name: with its own group', { uid: 'web' }, { uid: 1001, gid: 1002, env: web }],
    ['a user by number', { uid: 1001 }, { uid: 1001, gid: 1002, env: web }],
    ['a number in a text', { uid: '1001' }, { uid: 1001, gid: 1002, env: web }],
    ['a user and another group', { uid: 'web', gid: 'logs' }, { uid: 1001, gid: 7, env: web }],
    ['a group alone', { gid: 'logs' }, { uid: 0, gid: 7, env: {} }],
    ['numbers nobody has', { uid: 5000, gid: 6000 }, { uid: 5000, gid: 6000, env: {} }],
    ['a user number nobody has: the group of that number', { uid: 5000 }, { uid: 5000, gid: 5000, env: {} }],
  ] as const) {
    test(name, () => assert.deepEqual(resolveIdentity(wanted, directory(0)), expected))
  }
})

for (const [name, wanted, code, says] of [
  ['an unknown user', { uid: 'wbe' }, 'user_unknown', /no user 'wbe'/],
  ['an unknown group', { uid: 'web', gid: 'wbe' }, 'user_unknown', /no group 'wbe'/],
] as const) {
  test(`${name} is refused`, () =>
    assert.throws(() => resolveIdentity(wanted, directory(0)), { code, message: says }))
}

test('others than root can only be who they are', () => {
  assert.deepEqual(resolveIdentity({ uid: 'web' }, directory(1001, 1002)), { uid: 1001, gid: 1002, env: web })
  for (const wanted of [{ uid: 'root' }, { gid: 'logs' }, { uid: 'web', gid: 0 }])
    assert.throws(() => resolveIdentity(wanted, directory(1001, 1002)), {
      code: 'not_permitted',
      message: /only root may .* run the supervisor as root/,
    })
})

test('a system without users says so', () => {
  const none: Directory = { entry: () => undefined, self: undefined }
  assert.throws(() => resolveIdentity({ uid: 1 }, none), { code: 'not_permitted' })
  assert.equal(resolveIdentity({}, none), undefined)
})

test('the users of this system are found', () => {
  assert.deepEqual(findUser('root'), { name: 'root', uid: 0, gid: 0, home: findUser(0)?.home })
  assert.throws(() => findUser('-h'), { code: 'user_unknown' })
})

test("a child runs as whom it should, with no group of the supervisor's", {
  timeout: 20_000,
  skip: process.getuid?.() !== 0 && 'needs root',
}, async () => {
  const identity = resolveIdentity({ uid: 'daemon' })
  assert.ok(identity)
  const say =
    'process.stdout.write(JSON.stringify([process.getuid(), process.getgid(), process.getgroups(), process.env.USER]))'
  const child = spawn(process.execPath, ['-e', say], { ...identity, cwd: '/' })
  const [text] = await once(child.stdout, 'data')
  const { uid, gid } = identity
  assert.deepEqual(JSON.parse(text), [uid, gid, [gid], 'daemon'])
})

test('niceness reaches every thread of a program that runs', {
  timeout: 20_000,
  skip: process.platform !== 'linux' && 'Linux only',
}, async (t) => {
  const child = spawn(process.execPath, ['-e', 'console.log(1); process.stdin.resume()'])
  t.after(() => {
    child.kill('SIGKILL')
  })
  await once(child.stdout, 'data')
  const { pid } = child
  assert.ok(pid)
  assert.equal(setNice(pid, 7), undefined)
  const threads = readdirSync(`/proc/${pid}/task`).map(Number)
  assert.ok(threads.length > 1)
  assert.deepEqual(new Set(threads.map((thread) => getPriority(thread))), new Set([7]))
})

test('niceness that cannot be set gives a notice', { timeout: 20_000 }, async () => {
  const child = spawn(process.execPath, ['-e', ''])
  await once(child, 'exit')
  assert.match(setNice(child.pid ?? 0, 5) ?? '', /^nice 5 could not be set for pid \d+: /)
})
