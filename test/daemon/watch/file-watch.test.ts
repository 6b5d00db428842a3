// Watching real files: which changes are told, how often, and what happens to folders that come and go.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  watch,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { watchFiles } from '../../../src/daemon/watch/file-watch.ts'
import type { BroodError } from '../../../src/kernel/errors.ts'
import { HandClock } from '../../support/hand-clock.ts'
import { temporaryFolder } from '../../support/temporary.ts'

const debounce = 200
const timeout = 20_000

class Watched {
  readonly root: string
  readonly clock = new HandClock()
  readonly changes: string[] = []
  readonly failures: BroodError[] = []

  constructor(t: TestContext, root: string, paths = [root], ignore: readonly string[] = ['node_modules']) {
    this.root = root
    const watching = watchFiles({ paths, ignore, debounce }, this.clock, {
      changed: (path) => this.changes.push(path),
      failed: (error) => this.failures.push(error),
    })
    t.after(() => {
      watching.close()
      assert.deepEqual(this.failures, [])
    })
  }

  path(...parts: string[]): string {
    return join(this.root, ...parts)
  }

  write(...parts: string[]): void {
    writeFileSync(this.path(...parts), `${Math.random()}`)
  }

  /** The change that is told next, relative to the root. */
  async change(): Promise<string | undefined> {
    await this.clock.waiting(debounce)
    // One write is several events. The kernel has them all by now, and the loop reads them all before it comes here.
    await setImmediate()
    const before = this.changes.length
    this.clock.advance(debounce)
    assert.equal(this.changes.length, before + 1)
    return this.changes.at(-1)?.slice(this.root.length + 1)
  }

  /** Nothing of what came before is told: the next change told is one that is made now. */
  async assertNothing(): Promise<void> {
    this.write('sentinel')
    assert.equal(await this.change(), 'sentinel')
  }
}

function watchFolder(t: TestContext, prepare: (root: string) => void = () => {}): Watched {
  const root = join(temporaryFolder(t), 'app')
  mkdirSync(root)
  prepare(root)
  return new Watched(t, root)
}

suite('a change', { timeout }, () => {
  test('of a file is told, again and again', async (t) => {
    const watched = watchFolder(t, (root) => writeFileSync(join(root, 'a.js'), ''))
    for (let round = 0; round < 3; round++) {
      watched.write('a.js')
      assert.equal(await watched.change(), 'a.js')
    }
  })

  test('of many files is told once, with the first', async (t) => {
    const watched = watchFolder(t)
    for (const name of ['b', 'a', 'c']) watched.write(name)
    assert.equal(await watched.change(), 'b')
    assert.equal(watched.clock.waits.length, 0)
  })

  test('starts the wait anew, but not for ever', async (t) => {
    const watched = watchFolder(t)
    for (let step = 0; step < 20; step++) {
      watched.write(`file-${step}`)
      await watched.clock.waiting(Math.min(debounce, 10 * debounce - step * 100))
      if (watched.changes.length > 0) break
      watched.clock.advance(100)
    }
    assert.deepEqual(watched.changes, [watched.path('file-0')])
    assert.equal(watched.clock.now() - Date.UTC(2030, 0, 1), 10 * debounce)
  })

  test('by an editor that writes another file and renames it is one change', async (t) => {
    const watched = watchFolder(t, (root) => writeFileSync(join(root, 'a.js'), ''))
    for (let round = 0; round < 2; round++) {
      watched.write('.a.js.new')
      renameSync(watched.path('a.js'), watched.path('a.js~'))
      renameSync(watched.path('.a.js.new'), watched.path('a.js'))
      rmSync(watched.path('a.js~'))
      assert.equal(await watched.change(), '.a.js.new')
    }
    watched.write('a.js')
    assert.equal(await watched.change(), 'a.js')
  })

  test('is the removal of a file, and of a folder', async (t) => {
    const watched = watchFolder(t, (root) => {
      writeFileSync(join(root, 'a.js'), '')
      mkdirSync(join(root, 'empty'))
    })
    rmSync(watched.path('a.js'))
    assert.equal(await watched.change(), 'a.js')
    rmSync(watched.path('empty'), { recursive: true })
    assert.equal(await watched.change(), 'empty')
  })

  test('is the time of a file, as `touch` sets it', async (t) => {
    const watched = watchFolder(t, (root) => writeFileSync(join(root, 'a.js'), ''))
    utimesSync(watched.path('a.js'), 1, 1)
    assert.equal(await watched.change(), 'a.js')
  })
})

suite('no change', { timeout }, () => {
  test('is what is read', async (t) => {
    const watched = watchFolder(t, (root) => {
      mkdirSync(join(root, 'lib'))
      writeFileSync(join(root, 'lib', 'a.js'), 'x')
    })
    assert.equal(readFileSync(watched.path('lib', 'a.js'), 'utf8'), 'x')
    readdirSync(watched.root, { recursive: true })
    await watched.assertNothing()
  })

  test('is what is ignored, also in folders that come later', async (t) => {
    const watched = watchFolder(t, (root) => mkdirSync(join(root, 'node_modules')))
    watched.write('node_modules', 'x.js')
    mkdirSync(watched.path('packages', 'node_modules'), { recursive: true })
    watched.write('packages', 'node_modules', 'y.js')
    await watched.assertNothing()
    watched.write('packages', 'node_modules', 'z.js')
    await watched.assertNothing()
  })

  test('are the rights of a folder, and an empty one', async (t) => {
    const watched = watchFolder(t, (root) => mkdirSync(join(root, 'lib')))
    chmodSync(watched.path('lib'), 0o700)
    chmodSync(watched.root, 0o700)
    mkdirSync(watched.path('empty'))
    await watched.assertNothing()
  })

  test('is a log of the app, ignored by its whole path', async (t) => {
    const root = temporaryFolder(t)
    mkdirSync(join(root, 'logs'))
    const watched = new Watched(t, root, [root], [join(root, 'logs'), '*.log'])
    appendFileSync(join(root, 'logs', 'web-0.out'), 'line\n')
    appendFileSync(join(root, 'app.log'), 'line\n')
    await watched.assertNothing()
  })

  test('is behind a link, which may lead round in a circle', async (t) => {
    const watched = watchFolder(t, (root) => symlinkSync(root, join(root, 'self')))
    watched.write('a.js')
    assert.equal(await watched.change(), 'a.js')
  })
})

suite('a folder', { timeout }, () => {
  test('that is new is watched, with what it holds already', async (t) => {
    const watched = watchFolder(t)
    mkdirSync(watched.path('lib', 'deep'), { recursive: true })
    watched.write('lib', 'deep', 'a.js')
    assert.equal(await watched.change(), 'lib/deep/a.js')
    watched.write('lib', 'deep', 'a.js')
    assert.equal(await watched.change(), 'lib/deep/a.js')
    watched.write('lib', 'b.js')
    assert.equal(await watched.change(), 'lib/b.js')
  })

  test('that is renamed is watched under its new name', async (t) => {
    const watched = watchFolder(t, (root) => {
      mkdirSync(join(root, 'old'))
      writeFileSync(join(root, 'old', 'a.js'), '')
    })
    renameSync(watched.path('old'), watched.path('new'))
    assert.equal(await watched.change(), 'old')
    watched.write('new', 'a.js')
    assert.equal(await watched.change(), 'new/a.js')
  })

  test('that takes the place of another is watched in its place', async (t) => {
    const watched = watchFolder(t, (root) => {
      mkdirSync(join(root, 'dist'))
      mkdirSync(join(dirname(root), 'built'))
    })
    renameSync(watched.path('dist'), join(dirname(watched.root), 'away'))
    renameSync(join(dirname(watched.root), 'built'), watched.path('dist'))
    await watched.change()
    watched.write('dist', 'a.js')
    assert.equal(await watched.change(), 'dist/a.js')
    writeFileSync(join(dirname(watched.root), 'away', 'a.js'), 'elsewhere')
    await watched.assertNothing()
  })

  test('that is the watched one may be removed and come back', async (t) => {
    const watched = watchFolder(t, (root) => writeFileSync(join(root, 'a.js'), ''))
    const above = watch(dirname(watched.root))
    t.after(() => above.close())
    for (let round = 0; round < 2; round++) {
      // The folder's own end is told before that of its entry in the folder above.
      const gone = once(above, 'change')
      rmSync(watched.root, { recursive: true })
      await gone
      mkdirSync(watched.root)
      assert.equal(await watched.change(), '')
      watched.write('a.js')
      assert.equal(await watched.change(), 'a.js')
    }
  })

  test('that is the watched one may be swapped for another', async (t) => {
    const watched = watchFolder(t)
    const other = `${watched.root}-other`
    mkdirSync(other)
    renameSync(watched.root, `${watched.root}-old`)
    renameSync(other, watched.root)
    assert.equal(await watched.change(), '')
    watched.write('a.js')
    assert.equal(await watched.change(), 'a.js')
  })

  test('that is the watched one may come later, with those above it', async (t) => {
    const above = temporaryFolder(t)
    const watched = new Watched(t, join(above, 'a', 'b', 'c'))
    mkdirSync(watched.root, { recursive: true })
    watched.write('x.js')
    assert.equal(await watched.change(), '')
    watched.write('x.js')
    assert.equal(await watched.change(), 'x.js')
  })
})

suite('a single file', { timeout }, () => {
  test('is watched through every way to replace it, and nothing beside it is', async (t) => {
    const root = temporaryFolder(t)
    const watched = new Watched(t, root, [join(root, 'server.js')])
    for (let round = 0; round < 2; round++) {
      watched.write('beside.js')
      watched.write('server.js')
      assert.equal(await watched.change(), 'server.js')
      renameSync(join(root, 'beside.js'), join(root, 'server.js'))
      assert.equal(await watched.change(), 'server.js')
      rmSync(join(root, 'server.js'))
    }
    watched.write('server.js')
    assert.equal(await watched.change(), 'server.js')
  })
})

test('nothing is told after the end', { timeout }, async (t) => {
  const root = temporaryFolder(t)
  const clock = new HandClock()
  const told = () => assert.fail('told after the end')
  const watching = watchFiles({ paths: [root], ignore: [], debounce }, clock, { changed: told, failed: told })
  writeFileSync(join(root, 'a.js'), '')
  await clock.waiting(debounce)
  watching.close()
  await setImmediate() // what the kernel has of the first write is not for the next watch
  const other = new Watched(t, root)
  other.write('b.js')
  assert.equal(await other.change(), 'b.js')
  assert.deepEqual(clock.waits, [])
  clock.advance(debounce)
})

const limited = ['-Ur', 'sh', '-c', 'echo 3 > /proc/sys/user/max_inotify_watches && exec "$@"', 'sh']
const canLimit = spawnSync('unshare', [...limited, 'true']).status === 0

test('the limit of the system is told with what to do', {
  timeout,
  skip: canLimit ? false : 'this machine gives no namespace with limits of its own',
}, (t) => {
  const root = temporaryFolder(t)
  for (const name of ['a', 'b', 'c', 'd']) mkdirSync(join(root, name))
  const program = `
      import { watchFiles } from ${JSON.stringify(moduleOf('daemon/watch/file-watch.ts'))}
      import { systemClock } from ${JSON.stringify(moduleOf('kernel/clock.ts'))}
      const nothing = { changed() {}, failed() {} }
      try {
        watchFiles({ paths: [${JSON.stringify(root)}], ignore: [], debounce: 200 }, systemClock, nothing)
      } catch (error) {
        console.log(error.code + ' ' + error.message)
      }`
  const ran = spawnSync('unshare', [...limited, process.execPath, '--input-type=module', '--eval', program], {
    encoding: 'utf8',
    timeout: 15_000,
  })
  assert.match(
    ran.stdout,
    /^watch_failed \S+ cannot be watched: the system's limit of watched folders is reached: .*sysctl/,
  )
  assert.equal(ran.status, 0, 'nothing stays open after it')
})

function moduleOf(path: string): string {
  return fileURLToPath(new URL(`../../../src/${path}`, import.meta.url))
}
