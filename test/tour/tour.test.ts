// Runs every program of the tour as a reader would, and compares what it prints with what it is there to show.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { platform } from 'node:process'
import { suite, test } from 'node:test'
import { promisify } from 'node:util'
import { gone, isAlive, type ProcessTest, processTest } from '../support/process/process-test.ts'

const root = new URL('../../', import.meta.url)
const tour = new URL('examples/tour/', root)

/** The lines that a program prints; as a function where they differ from run to run. */
type Expected = readonly string[] | ((printed: string[], context: ProcessTest) => void | Promise<void>)

const programs: Readonly<Record<string, Expected>> = {
  '01-spawn.ts': [1, 2, 3].flatMap((number) => [
    `hello from child number ${number}`,
    'it ended with code 0, stdout here: undefined',
  ]),
  '02-pipes.ts': ['child: ONE', 'child: TWO', 'on stderr: 2 lines', 'hello from child by pipe'],
  '03-ignore-and-ipc.ts': [
    'child sent ok',
    "child sent { cpu: 'busy', memory: [ 1, 2, 3 ] }",
    'and ended with code 0',
  ],
  '04-files-and-mixed.ts': [
    'stdout:  the child',
    'message: the child',
    'file:    the child, and the parent',
    'stream:  hello from child in a file',
  ],
  '05-detached.ts': outlivesItsParent,
  '06-large-output.ts': [
    '64 MB went in, 64 MB came out again',
    'in between it was less than one',
    'gzip ended with code 0',
  ],
  '07-exec.ts': [
    'exec gives the version: true',
    'execFile too: true',
    'a shell counts 2',
    'without: http-*.ts | wc -l',
    "exec: '; echo you are hacked; $(whoami) #",
    "execFile: '; echo you are hacked; $(whoami) #",
    'refused: exec: a text is a shell line only with { shell: true }; to quote the values in it write exec`…`, and without a shell use execFile',
    'wished for: 42',
  ],
  '08-limits.ts': [
    'output_truncated: 1000 bytes kept, ended by limit',
    'timed_out: ended by timeout with SIGTERM',
    "command_failed: code 3, 'half done' and 'no disk'",
    "spawn_failed: 'no-such-program' could not be started: no folder of PATH has a program of that name: install it, or give its full path",
    'spawn: read 100000 lines and left, as head does',
  ],
  '09-fork.ts': ["arguments: [ 'a', 'b' ]", "read here: arguments: [ 'c', 'd e' ]", 'message: color green'],
  '10-messages.ts': [
    'child: hello parent',
    'child: you said: hello child',
    'child: { count: 2 } here: { count: 1 }',
    'child: the channel is closed, and nothing keeps me',
    'connected: false; the child ended by itself',
  ],
  '11-requests.ts': [
    'cat.png at 100 %',
    'dog.jpeg at 80 %',
    'the handler threw TypeError notes.txt is no picture',
    'timed_out',
  ],
  '12-serialization.ts': [
    "json: { map: {}, date: '1970-01-01T00:00:00.000Z', bytes: { '0': 1, '1': 2 } }",
    'json, a function: {}',
    "advanced: { map: Map(1) { 'a' => 1 }, date: 1970-01-01T00:00:00.000Z, bytes: Uint8Array(2) [ 1, 2 ], nothing: undefined }",
    'advanced, a function: message_invalid',
  ],
  '13-endings.ts': [
    'it returned: code 0, signal null, by itself',
    'it called process.exit(3): code 3, signal null, by itself',
    'it threw an error: code 1, signal null, by itself',
    'stopped: code null, signal SIGTERM, by stop',
    'stopped, but it did not want to: code null, signal SIGKILL, by stop',
    'killed: code null, signal SIGKILL, by kill',
    'too late: code null, signal SIGTERM, by timeout',
    'its own kill: code null, signal SIGTERM, by outside',
  ],
  '14-order.ts': [
    'database is ready',
    'cache is ready',
    'web is ready',
    'all are ready',
    'web ends',
    'cache ends',
    'database ends',
  ],
  '15-pass-server.ts': [
    'children accept, the parent does not: true',
    '20 clients were served by children, by anybody else: 0',
  ],
  '16-pass-sockets.ts': ['child 1: 3', 'child 2: 3', 'child 3: 3'],
  '17-http-over-sockets.ts': [
    'passing an http.Server: handle_invalid',
    'answered by child 1: 3',
    'answered by child 2: 3',
  ],
  '18-http-on-a-passed-server.ts': [
    '10 requests to parent and children, answered: 10',
    '10 requests to the children, answered: 10 by the parent: 0',
  ],
  '19-child-to-child.ts': [
    'reader: one has 3 letters',
    'reader: three has 5 letters',
    'reader: seven has 5 letters',
    'codes 0 0',
  ],
  '20-a-port-each.ts': ['as many ports as children: 3', 'child 1: 3', 'child 2: 3', 'child 3: 3'],
  '21-cluster.ts': ['3 workers on 1 port', 'worker 1', 'worker 2', 'worker 3', 'workers left: 0'],
  '22-cluster-worker-file.ts': [
    'web.ts --use https, silent: true, serialization: advanced',
    "it printed: arguments [ '--use', 'https' ] color green",
    "it sent: Map(1) { 'state' => 'starting' }",
    'it answered: hello world',
  ],
  '23-cluster-messages.ts': [
    "workers: [ '1', '2' ] true",
    'primary got: you said: hello worker',
    'primary got: I am 1',
    'worker 1: you said: broadcast',
    'worker 2: you said: broadcast',
  ],
  '24-cluster-restart.ts': [
    'before: hello world',
    'worker 1 ended: code 1, signal null',
    'the client of worker 1 got ECONNRESET',
    'after: hello world, from worker 2',
    'worker 2 ended: code null, signal SIGKILL',
    'worker 3 ended: code 1, signal null',
    'worker 4 ended: code 1, signal null',
    'more than 3 restarts within 10 s: given up',
  ],
  '25-cluster-wanted-or-not.ts': [
    'worker.disconnect(): wanted',
    '  code 0, signal null, is dead: true',
    'worker.kill(): start another',
    '  code null, signal SIGTERM, is dead: true',
    "worker.process.kill('SIGKILL'): start another",
    '  code null, signal SIGKILL, is dead: true',
    'cluster.worker.kill() in the worker: wanted',
    '  code 0, signal null, is dead: true',
    'process.kill(process.pid) in the worker: start another',
    '  code null, signal SIGTERM, is dead: true',
  ],
  '26-cluster-start-timeout.ts': [
    'worker 1 is online',
    'worker 1 is listening',
    'worker 2 is online',
    'worker 2 was not listening in time, and was ended',
    'a silent child was ended by timeout',
  ],
  '27-cluster-uncaught.ts': [
    'fine, says worker 1',
    'worker 1 reports RangeError: there is no /users/none, with its stack',
    'worker 1 ended with code 1',
    'the client got ECONNRESET',
    'fine, says worker 2',
    'worker 2 ended with code 0',
  ],
  '28-cluster-scheduling.ts': [
    'rr: in turn',
    'none: the kernel chooses, differently from run to run',
    ...(platform === 'linux' ? ['slots: the kernel chooses, differently from run to run'] : []),
    'ip-hash: a client keeps its worker',
    'weighted: one worker gets twice its share',
  ],
  '29-cluster-balancing.ts': [1, 2, 1, 2, 1, 2, 3, 3, 3].map(
    (worker, index) => `client ${index + 1} is with worker ${worker}`,
  ),
  '30-batch-client.ts': async (printed, context) => {
    const counts = printed.map((line) => /^worker [123] answered (\d+) times$/.exec(line)?.[1])
    assert.equal(counts.length, 3, `${printed}`)
    assert.equal(
      counts.reduce((sum, count) => sum + Number(count), 0),
      30,
    )
    assert.deepEqual(await printedBySomebodyElses(context), ['a stranger answered 5 times'])
  },
}

suite('the tour', () => {
  for (const [name, expected] of Object.entries(programs)) {
    processTest(name, async (context) => {
      const printed = await run(name, [], context)
      if (typeof expected === 'function') await expected(printed, context)
      else assert.deepEqual(printed, expected)
      assert.deepEqual(readdirSync(context.folder), [], 'it leaves no file behind')
    })
  }

  test('has a test for each of its programs, and they are numbered without a gap', () => {
    const names = readdirSync(tour).filter((name) => /^\d/.test(name))
    assert.deepEqual(names.sort(), Object.keys(programs))
    assert.deepEqual(
      names.map((name) => Number.parseInt(name, 10)),
      names.map((_, index) => index + 1),
    )
  })

  test('is walked through by its guide, in order', () => {
    const guide = readFileSync(new URL('docs/guides/tour.md', root), 'utf8')
    const linked = [...guide.matchAll(/\]\(\.\.\/\.\.\/examples\/tour\/(\d[^/)]*)\)/g)].map(
      ([, name]) => name,
    )
    assert.deepEqual([...new Set(linked)], Object.keys(programs))
  })

  test('has no child that no program starts', () => {
    const children = readdirSync(new URL('children/', tour))
    const texts = Object.keys(programs).map((name) => readFileSync(new URL(name, tour), 'utf8'))
    const unused = children.filter((child) => !texts.some((text) => text.includes(child)))
    assert.deepEqual(unused, [])
  })
})

/** What it prints, line by line; nothing on stderr, and an end with code 0. */
async function run(name: string, args: readonly string[], context: ProcessTest): Promise<string[]> {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [`examples/tour/${name}`, ...args], {
    cwd: root,
    // Files are made where the test sees what is left of them, and a colour would be in what is compared.
    env: { ...process.env, TMPDIR: context.folder, FORCE_COLOR: undefined },
    signal: context.signal,
  })
  assert.equal(stderr, '')
  return stdout.trimEnd().split('\n')
}

async function outlivesItsParent(printed: string[], { folder, signal }: ProcessTest): Promise<void> {
  const pid = Number(/^child (\d+) /.exec(printed[0] ?? '')?.[1])
  assert.deepEqual(
    printed.map((line) => line.replaceAll(`${pid}`, '<pid>').replace(/\/\S+\/diary-\d+/, '<folder>/diary')),
    [
      'child <pid> writes a line every second for a minute into <folder>/diary.txt',
      'to end it: kill <pid>',
      'the parent ends',
    ],
  )
  // Its parent's end has been waited for, so it is without one.
  assert.ok(isAlive(pid), 'the child goes on')
  // Its first line says that it has also set itself up for its end.
  while (readdirSync(folder).length === 0) {
    signal.throwIfAborted()
    await new Promise(setImmediate)
  }
  process.kill(pid)
  await gone([pid], signal)
}

/** The batch client with a port of its own choice, as one uses it. */
async function printedBySomebodyElses(context: ProcessTest): Promise<string[]> {
  const server = createServer((_request, response) => response.end('a stranger')).listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    return await run('30-batch-client.ts', [`${(server.address() as AddressInfo).port}`, '5'], context)
  } finally {
    server.close()
  }
}
