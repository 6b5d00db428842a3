// BROOD_HOME: made private, refused with what to do when it cannot be used.
import assert from 'node:assert/strict'
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, suite, test } from 'node:test'
import { asHomeError, homeOf, prepareHome } from '../../src/daemon/home.ts'
import { BroodError } from '../../src/kernel/errors.ts'

const folder = mkdtempSync(join(tmpdir(), 'brood-home-'))
after(() => rmSync(folder, { recursive: true }))

const at = (path: string): ReturnType<typeof homeOf> => homeOf({ BROOD_HOME: path })
const isRoot = process.getuid?.() === 0

suite('the place of BROOD_HOME', () => {
  test('is ~/.brood if the variable is not set', () => {
    assert.equal(homeOf({}).path, join(homedir(), '.brood'))
  })

  test('is where the variable says, as an absolute path', () => {
    assert.equal(at('/var/lib/brood').path, '/var/lib/brood')
    assert.equal(at('some/where/').path, join(process.cwd(), 'some/where'))
  })

  test('is ~/.brood if the variable is empty', {}, () => {
    assert.equal(at('').path, join(homedir(), '.brood'))
  })

  test('holds all that a supervisor keeps, each under its own name', () => {
    const { path, ...inside } = at('/h')
    assert.equal(path, '/h')
    assert.equal(new Set(Object.values(inside)).size, Object.keys(inside).length)
    for (const one of Object.values(inside)) assert.match(one, /^\/h\/[^/]+$/)
  })

  test('may be as long as the path of a unix socket, and not a byte longer', () => {
    const longest = `/${'x'.repeat(107 - 1 - '/control.sock'.length)}`
    assert.equal(at(longest).socket.length, 107)
    assert.throws(() => at(`${longest}x`), {
      code: 'home_unusable',
      message: new RegExp(`${longest}x: choose a shorter path`),
    })
  })

  test('is measured in bytes', () => {
    assert.throws(() => at(`/${'ü'.repeat(50)}`), { code: 'home_unusable' })
  })
})

suite('a home that is prepared', () => {
  test('is made with its logs, and open to nobody else', () => {
    const home = at(join(folder, 'deep/er/home'))
    prepareHome(home)
    for (const path of [home.path, home.logs]) assert.equal(statSync(path).mode & 0o777, 0o700, path)
  })

  test('is left as it is if it is there', () => {
    const home = at(join(folder, 'there'))
    mkdirSync(home.path)
    chmodSync(home.path, 0o750)
    writeFileSync(home.state, 'kept')
    prepareHome(home)
    prepareHome(home)
    assert.equal(statSync(home.path).mode & 0o777, 0o750)
    assert.equal(statSync(home.state).size, 4)
  })

  test('may be a symbolic link to a folder', () => {
    const target = join(folder, 'target')
    mkdirSync(target)
    symlinkSync(target, join(folder, 'link'))
    prepareHome(at(join(folder, 'link')))
    assert.ok(statSync(join(target, 'logs')).isDirectory())
  })
})

suite('a home is refused, by its path and with what to do,', () => {
  test('if it is a file', () => {
    const path = join(folder, 'file')
    writeFileSync(path, '')
    assertRefused(path, 'is not a directory')
    assertRefused(join(path, 'below'), 'is not a directory')
  })

  test('if its logs are a file', () => {
    const path = join(folder, 'odd')
    mkdirSync(path)
    writeFileSync(join(path, 'logs'), '')
    assertRefused(path, 'is not a directory')
  })

  const needsRoot = isRoot ? {} : { skip: 'only root can give a folder to another user' }
  test('if it belongs to another user', needsRoot, () => {
    const path = join(folder, 'theirs')
    mkdirSync(path)
    chownSync(path, 12345, 12345)
    assertRefused(path, 'belongs to another user (uid 12345, you are 0)')
  })

  test('if it cannot be made', { skip: process.platform === 'linux' ? false : 'needs /sys' }, () => {
    assertRefused('/sys/brood-test', 'is not writable')
  })

  test('if it lies where nothing can be made', {
    timeout: 10_000,
    skip: process.platform === 'linux' ? false : 'needs /proc',
  }, () => {
    assert.throws(() => prepareHome(at('/proc/brood-test/deeper')), { code: 'home_unusable' })
  })

  const needsUser = isRoot ? { skip: 'nothing is forbidden to root' } : {}
  test('if it may not be written to', needsUser, () => {
    const path = join(folder, 'locked')
    mkdirSync(path, { mode: 0o500 })
    assertRefused(path, 'is not writable')
  })
})

suite('what the file system says', () => {
  const home = at('/h')
  const codes: [code: string, becomes: string, says: RegExp][] = [
    ['ENOSPC', 'disk_full', /no space left on the disk of BROOD_HOME \(\/h\): make room/],
    ['EDQUOT', 'disk_full', /no space left/],
    ['EACCES', 'home_unusable', /BROOD_HOME \/h is not writable: set BROOD_HOME/],
    ['EPERM', 'home_unusable', /is not writable/],
    ['EROFS', 'home_unusable', /is not writable/],
    ['ENOTDIR', 'home_unusable', /is not a directory/],
    ['EEXIST', 'home_unusable', /is not a directory/],
    ['EIO', 'home_unusable', /cannot be used: it broke/],
  ]
  for (const [code, becomes, says] of codes) {
    test(`${code} becomes ${becomes}, and stays as its cause`, () => {
      const cause = Object.assign(new Error('it broke'), { code })
      const error = asHomeError(home, cause)
      assert.equal(error.code, becomes)
      assert.match(error.message, says)
      assert.equal(error.cause, cause)
    })
  }

  test('in brood’s own words stays as it is', () => {
    const error = new BroodError('internal', 'x')
    assert.equal(asHomeError(home, error), error)
  })
})

function assertRefused(path: string, why: string): void {
  assert.throws(
    () => prepareHome(at(path)),
    (error) => {
      assert.ok(error instanceof BroodError)
      assert.equal(error.code, 'home_unusable')
      assert.equal(error.message, `BROOD_HOME ${path} ${why}: set BROOD_HOME to a folder of your own`)
      return true
    },
  )
}
