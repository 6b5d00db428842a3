// nginx and HAProxy as programs of a test: whether they are there, and one that runs with a configuration of ours.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { TestContext } from 'node:test'
import { temporaryFolder } from './temporary.ts'

export type OtherProxy = 'nginx' | 'haproxy'

/** Debian keeps servers in sbin, which an ordinary user's PATH often lacks. */
const env = { ...process.env, PATH: [process.env.PATH, '/usr/sbin', '/sbin'].join(delimiter) }

/** Why its tests are skipped; false when it is here. */
export function missing(program: OtherProxy, mode: 'http' | 'tcp'): string | false {
  const { error, stderr } = spawnSync(program, [program === 'nginx' ? '-V' : '-v'], { env, encoding: 'utf8' })
  if (error !== undefined) return `${program} is not installed: scripts/setup-test-servers.sh`
  const hasStream =
    existsSync('/usr/lib/nginx/modules/ngx_stream_module.so') || /--with-stream(?!\S)/.test(stderr)
  if (program === 'nginx' && mode === 'tcp' && !hasStream)
    return 'nginx has no stream module: scripts/setup-test-servers.sh'
  return false
}

/** What the program itself says of a configuration: nothing when it is right. */
export function faultsOf(t: TestContext, program: OtherProxy, config: string): string {
  const { args } = argumentsFor(t, program, config)
  const ran = spawnSync(program, [...args, program === 'nginx' ? '-t' : '-c'], { env, encoding: 'utf8' })
  const said = `${ran.stdout}${ran.stderr}`
  return ran.status === 0 && !/warn|alert/i.test(said) ? '' : `${ran.status}: ${said}`
}

/** Runs until the test ends; whoever calls asks until it listens. */
export function run(t: TestContext, program: OtherProxy, config: string): void {
  let child: ChildProcess | undefined
  // Before the hook that removes its folder, so that it has ended by then.
  t.after(async () => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGTERM')
    await ended
  })
  const { args } = argumentsFor(t, program, config)
  child = spawn(program, args, { env, stdio: ['ignore', 'ignore', 'inherit'] })
}

function argumentsFor(t: TestContext, program: OtherProxy, config: string): { args: string[] } {
  const folder = temporaryFolder(t)
  const file = join(folder, `${program}.conf`)
  writeFileSync(file, program === 'nginx' ? withOwnFolders(config, folder) : config)
  if (program === 'haproxy') return { args: ['-db', '-q', '-f', file] }
  const own = `pid ${folder}/pid; daemon off; error_log stderr crit;`
  return { args: ['-c', file, '-g', own, '-e', 'stderr'] }
}

/** What an installed nginx has compiled in as paths belongs to root; a test has its own. */
function withOwnFolders(config: string, folder: string): string {
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (of) => `${of}_temp_path ${folder}/${of};`,
  )
  return config.replace(/^http \{\n/m, (line) => `${line}access_log off;\n${paths.join('\n')}\n`)
}
