// A systemd of the test's own: a user manager in namespaces that end with it. Its cgroups are removed with the test.
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { constants, mkdirSync, openSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { Socket } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { TestContext } from 'node:test'
import type { Ran } from './brood.ts'
import { ranOf } from './command.ts'
import { temporaryFolder } from './temporary.ts'

const manager = '/lib/systemd/systemd'
/** Where cgroups are, in the unified hierarchy and beside the older ones. */
const cgroupRoots = ['/sys/fs/cgroup', '/sys/fs/cgroup/unified', '/sys/fs/cgroup/systemd']

/** Mounts an empty /run that says that systemd runs, and becomes PID 1 for the manager and what it starts. */
const script = `
mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/system "$XDG_RUNTIME_DIR" && chmod 700 "$XDG_RUNTIME_DIR"
${manager} --user --unit=says-up.service
`

export class OwnSystemd {
  readonly #unshare: ChildProcess
  readonly #env: NodeJS.ProcessEnv
  readonly #lines: AsyncIterator<string>

  private constructor(unshare: ChildProcess, env: NodeJS.ProcessEnv, lines: AsyncIterator<string>) {
    this.#unshare = unshare
    this.#env = env
    this.#lines = lines
  }

  /** Undefined, with the test skipped, where this cannot be. `env` is for everything run in it. */
  static async start(t: TestContext, env: NodeJS.ProcessEnv): Promise<OwnSystemd | undefined> {
    const why = missing()
    if (why !== undefined) {
      t.skip(why)
      return undefined
    }
    const folder = temporaryFolder(t)
    const fifo = join(folder, 'says')
    execFileSync('mkfifo', [fifo])
    const all = { ...env, XDG_RUNTIME_DIR: '/run/own', XDG_CONFIG_HOME: folder, SAYS: fifo }
    mkdirSync(join(folder, 'systemd/user'), { recursive: true })
    writeFileSync(
      join(folder, 'systemd/user/says-up.service'),
      `[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo up >${fifo}'\n`,
    )
    const before = cgroups()
    const flags = ['--pid', '--fork', '--kill-child', '--mount-proc', '--cgroup']
    const unshare = spawn('unshare', [...flags, '/bin/sh', '-c', script], { env: all, stdio: 'ignore' })
    // Also a writer, so that it does not end when one that has said something closes it; in the event loop, because a read
    // that waits in Node's thread pool could not be ended.
    const stream = new Socket({
      fd: openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK),
      writable: false,
    })
    t.after(async () => {
      const ended = once(unshare, 'exit')
      unshare.kill('SIGKILL')
      await ended
      stream.destroy()
      for (const group of cgroups()
        .filter((one) => !before.includes(one))
        .toReversed())
        await emptied(group)
    })
    const lines = createInterface({ input: stream })[Symbol.asyncIterator]()
    const own = new OwnSystemd(unshare, all, lines)
    await own.says('up')
    return own
  }

  /** The folder of its units. */
  get units(): string {
    return join(this.#env.XDG_CONFIG_HOME ?? '', 'systemd/user')
  }

  /** A shell command for a unit that lets the test know it has come so far. */
  saying(word: string): string {
    return `/bin/sh -c 'echo ${word} >${this.#env.SAYS}'`
  }

  /** Settles when the next word is said; it must be this one. */
  async says(word: string): Promise<void> {
    assert.equal((await this.#lines.next()).value, word)
  }

  /** Runs a program in there to its end. */
  run(file: string, ...args: string[]): Promise<Ran> {
    const inner = readFileSync(`/proc/${this.#unshare.pid}/task/${this.#unshare.pid}/children`, 'utf8').trim()
    const enter = ['--target', inner, '--mount', '--pid', '--cgroup', '--', file, ...args]
    return ranOf(spawn('nsenter', enter, { env: this.#env, stdio: ['ignore', 'pipe', 'pipe'] }))
  }

  /** Runs systemctl, which must succeed; what it prints. */
  async systemctl(...args: string[]): Promise<string> {
    const ran = await this.run('systemctl', '--user', ...args)
    assert.equal(ran.code, 0, `systemctl ${args.join(' ')}: ${ran.stderr}`)
    return ran.stdout.trim()
  }
}

function missing(): string | undefined {
  if (process.getuid?.() !== 0) return 'namespaces of its own need root'
  for (const program of [manager, 'unshare', 'nsenter', 'systemctl', 'systemd-notify']) {
    if (spawnSync(program, ['--version']).status !== 0) return `there is no ${program} here`
  }
  const tried = spawnSync('unshare', [
    '--pid',
    '--fork',
    '--mount-proc',
    '--cgroup',
    'mount',
    '-t',
    'tmpfs',
    'tmpfs',
    '/run',
  ])
  return tried.status === 0 ? undefined : 'this machine allows no namespaces'
}

function cgroups(): string[] {
  return cgroupRoots.flatMap((root) => below(root))
}

function below(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !cgroupRoots.includes(join(folder, entry.name)))
      .flatMap((entry) => [join(folder, entry.name), ...below(join(folder, entry.name))])
  } catch {
    return []
  }
}

/** A killed process leaves its cgroup when it has been reaped; the kernel says so in no way that can be waited for here. */
async function emptied(group: string): Promise<void> {
  for (;;) {
    try {
      return rmdirSync(group)
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined
      if (code === 'ENOENT') return
      if (code !== 'EBUSY') throw error
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
}
