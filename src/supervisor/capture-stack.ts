// The side process of blocked-stack.ts: `capture-stack <pid> <within> [stderr file]` prints the stack, or why there is none.
import { fileURLToPath } from 'node:url'
import { mainThreadOf } from '../process/main-thread.ts'
import { list, read } from '../process/proc.ts'
import type { BlockedStack } from './blocked-stack.ts'
import { openInspector } from './inspector-address.ts'

const mostFrames = 50
/** How long the worker is held where it is, in milliseconds: it is to be killed before it goes on. */
const holdFor = 1000

/** As the inspector protocol has it; lines and columns count from 0. */
interface CallFrame {
  readonly functionName: string
  readonly url: string
  readonly location: { readonly scriptId: string; readonly lineNumber: number; readonly columnNumber: number }
}

const [pidText, withinText, stderrFile] = process.argv.slice(2)
const pid = Number(pidText)
const signal = AbortSignal.timeout(Number(withinText))

try {
  const address = await openInspector(pid, stderrFile, signal)
  const { frames, released } = await pause(address)
  print({ frames })
  // The worker goes on when the debugger leaves, and is gone with it when it has been killed, as it is to be.
  setTimeout(() => process.exit(), holdFor)
  await released
} catch {
  print({ none: whyNot(pid) })
}
process.exit()

function print(answer: BlockedStack): void {
  process.stdout.write(`${JSON.stringify(answer)}\n`)
}

async function pause(address: string): Promise<{ frames: string[]; released: Promise<void> }> {
  const { promise, resolve, reject } = Promise.withResolvers<string[]>()
  const released = Promise.withResolvers<void>()
  const urls = new Map<string, string>()
  signal.addEventListener('abort', reject, { once: true })
  const socket = new WebSocket(address)
  socket.addEventListener('error', reject)
  socket.addEventListener('close', () => {
    reject()
    released.resolve()
  })
  socket.addEventListener('open', () => {
    socket.send(JSON.stringify({ id: 1, method: 'Debugger.enable' }))
    socket.send(JSON.stringify({ id: 2, method: 'Debugger.pause' }))
  })
  socket.addEventListener('message', ({ data }) => {
    const { method, params } = JSON.parse(data)
    if (method === 'Debugger.scriptParsed') urls.set(params.scriptId, params.url)
    if (method === 'Debugger.paused') resolve(describe(params.callFrames, urls))
  })
  return { frames: await promise, released: released.promise }
}

function describe(frames: readonly CallFrame[], urls: ReadonlyMap<string, string>): string[] {
  const lines = frames.map(({ functionName, url, location }) => {
    const file = pathOf(url || urls.get(location.scriptId) || '<anonymous>')
    const place = `${file}:${location.lineNumber + 1}:${location.columnNumber + 1}`
    return functionName === '' ? `at ${place}` : `at ${functionName} (${place})`
  })
  // What the program called last is of interest, Node's own too; Node's loader, loop and events below it are not.
  const isOwn = (line: string): boolean => !/[ (]node:/.test(line)
  const first = Math.max(0, lines.findIndex(isOwn))
  const told = lines.some(isOwn) ? lines.filter((line, index) => index <= first || isOwn(line)) : lines
  return told.slice(0, mostFrames)
}

function pathOf(url: string): string {
  return url.startsWith('file:') ? fileURLToPath(url) : url
}

/** What can be said of a process whose JavaScript cannot be interrupted, or which has no inspector. */
function whyNot(pid: number): string {
  const main = mainThreadOf(pid)
  if (main === undefined || main.state === 'dead')
    return 'the process has ended, or the system tells nothing about it'
  if (main.state === 'running') {
    return 'it is in native code (such as one long JSON.parse), or the program handles SIGUSR1 itself'
  }
  const children = list(`/proc/${pid}/task`).flatMap((task) =>
    read(`/proc/${pid}/task/${task}/children`).split(' ').filter(Boolean),
  )
  const commands = children.map((child) => {
    const command = read(`/proc/${child}/cmdline`).split('\0').join(' ').trim()
    return `${child} '${command.slice(0, 80)}'`
  })
  return commands.length === 0
    ? 'it waits in a system call (disk, network file system), or the program handles SIGUSR1 itself'
    : `it waits in a system call, perhaps for its child process ${commands.join(' or ')}`
}
