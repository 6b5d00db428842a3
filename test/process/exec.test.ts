// Shell lines and programs that run to their end: quoting, what they give, and how they fail.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { exec, execFile, ProcessError } from '../../src/process/index.ts'
import { shellLine } from '../../src/process/shell-line.ts'
import { processTest } from '../support/process/process-test.ts'
import { rejectsWith, throwsWith } from '../support/process/rejects-with.ts'

const bounded = { timeout: 30_000 }

async function failure(
  code: Parameters<typeof rejectsWith>[0],
  run: Promise<unknown>,
): Promise<ProcessError> {
  const error = await rejectsWith(code, run)
  assert.ok(error instanceof ProcessError)
  return error
}

suite('a shell line', () => {
  test('quotes every value as one word, and an array as several', bounded, () => {
    const tag = (literals: TemplateStringsArray, ...values: unknown[]): string => shellLine(literals, values)
    assert.equal(tag`a ${'b c'} ${["it's", 5]}${[]} | d=${''}`, `a 'b c' 'it'\\''s' '5' | d=''`)
    assert.equal(
      tag`echo "$HOME" $(ls ${'x'}) \${A:-b} ${1}#${'in a word'}`,
      `echo "$HOME" $(ls 'x') \${A:-b} '1'#'in a word'`,
    )
  })

  test('refuses a value where quotes would not hold it', bounded, () => {
    const tag = (literals: TemplateStringsArray, ...values: unknown[]) =>
      throwsWith('usage', () => shellLine(literals, values)).message
    const value = '$(id)'
    assert.match(tag`echo "${value}"`, /value 1 stands in quotes: take them away/)
    assert.match(tag`echo '${value}'`, /stands in quotes/)
    assert.match(tag`echo "$(echo "${value}")"`, /after a substitution in double quotes/)
    assert.match(tag`echo \`echo ${value}\``, /after a backquote/)
    assert.match(tag`echo \\${value}`, /after a backslash/)
    assert.match(tag`echo $${value}`, /after a \$/)
    assert.match(tag`echo $'x' ${value}`, /after a \$'/)
    assert.match(tag`echo \${x:-${value}}`, /stands in \$\{…\}/)
    assert.match(tag`echo $((1 + ${value}))`, /after an arithmetic/)
    assert.match(tag`cat <<END\n${value}\nEND`, /after a here-document/)
    assert.match(tag`# ${value}`, /in a comment/)
    assert.match(tag`true;# ${value}`, /in a comment/)
    assert.match(tag`echo ${'a\0b'}`, /NUL/)
    for (const bad of [undefined, null, {}, true, Number.NaN, [[]], () => {}]) {
      assert.match(tag`echo ${bad}`, /value 1 is not a text, a finite number or an array of these/)
    }
  })

  test('keeps any text whole through a real shell', bounded, async () => {
    const text = fc
      .string({ unit: 'binary' })
      .filter((value) => !value.includes('\0') && value.isWellFormed())
    await fc.assert(
      fc.asyncProperty(fc.array(text, { minLength: 1 }), async (words) => {
        const { stdout } = await exec`printf '%s\\0' ${words} x${words[0] ?? ''}#y`
        assert.deepEqual(stdout.split('\0').slice(0, -1), [...words, `x${words[0]}#y`])
      }),
      { numRuns: 50 },
    )
  })
})

suite('exec', () => {
  processTest('runs a template, with options or without', async ({ folder }) => {
    const { stdout, stderr, exit } = await exec`echo ${'a  b'} | tr a c; echo err >&2`
    assert.deepEqual([stdout, stderr, exit.code], ['c  b\n', 'err\n', 0])
    assert.equal((await exec({ cwd: folder })`basename $PWD`).stdout.trim(), folder.split('/').at(-1))
    const { stdout: bytes } = await exec({ encoding: 'buffer' })`printf '\\377'`
    assert.deepEqual([...bytes], [255])
    assert.equal((await exec({ shell: '/bin/bash' })`echo $BASH`).stdout.trim().endsWith('bash'), true)
  })

  processTest('runs a plain text only with { shell: true }', async () => {
    assert.equal((await exec('echo $((1 + 1))', { shell: true })).stdout, '2\n')
    const call = exec as (line: unknown, options?: object) => unknown
    assert.match(throwsWith('usage', () => call('echo hi')).message, /only with \{ shell: true \}.*exec`…`/)
    throwsWith('usage', () => call('echo hi', { shell: false }))
    throwsWith('usage', () => call('echo hi', {}))
    throwsWith('usage', () => call(5))
    throwsWith('usage', () => (call({}) as (text: string) => unknown)('echo hi'))
  })

  processTest('feeds stdin, which otherwise is empty', async () => {
    assert.equal((await exec({ input: 'some text' })`wc -c`).stdout.trim(), '9')
    assert.equal((await exec`cat`).stdout, '')
    await exec({ input: 'x'.repeat(1_000_000) })`true` // does not read it
  })

  processTest('ends the whole pipeline at its timeout', async () => {
    const error = await failure('timed_out', exec({ timeout: 100 })`echo early; sleep 1000 | sleep 1000`)
    assert.equal(error.stdout, 'early\n')
    assert.match(error.message, /was ended: it took longer than 100 ms/)
  })

  processTest('does not wait longer than its timeout for what holds the output open', async () => {
    const error = await failure('timed_out', exec({ timeout: 300, ownGroup: true })`sleep 1000 & echo done`)
    assert.match(error.message, /left a process that kept its output open/)
    assert.deepEqual([error.stdout, error.exit?.code], ['done\n', 0])
  })
})

suite('execFile', () => {
  processTest('never sees a shell', async () => {
    assert.equal((await execFile('echo', ['$HOME; id', '*'])).stdout, '$HOME; id *\n')
    const { stdout } = await execFile('printf', ['\\377'], { encoding: 'buffer' })
    assert.deepEqual([...stdout], [255])
  })

  processTest('rejects with everything that was printed when the code is not 0', async () => {
    const error = await failure(
      'command_failed',
      execFile('/bin/sh', ['-c', 'echo out; echo why >&2; exit 3']),
    )
    assert.deepEqual([error.stdout, error.stderr, error.exit?.code], ['out\n', 'why\n', 3])
    assert.match(error.message, /exited with code 3$/)
    assert.deepEqual(error.detail, ['why'])
    const killed = await failure('command_failed', execFile('/bin/sh', ['-c', 'kill -9 $$']))
    assert.match(killed.message, /was ended by SIGKILL/)
  })

  processTest('cuts the output at maxBuffer and ends the program', async () => {
    const error = await failure('output_truncated', execFile('yes', ['漢'], { maxBuffer: 1001 }))
    assert.equal(error.stdout, '漢\n'.repeat(250)) // 1000 bytes; one of the next character is left out
    assert.equal(error.exit?.askedBy, 'limit')
    assert.match(error.message, /printed more than 1001 bytes.*Raise maxBuffer/)
    const stderr = await failure(
      'output_truncated',
      exec({ maxBuffer: 10, stop: { grace: 100 } })`trap '' TERM PIPE; while :; do echo 12345 >&2; done`,
    )
    assert.equal(stderr.stderr, '12345\n1234')
  })

  processTest('passes a million lines without losing one', async () => {
    const { stdout } = await execFile('seq', ['1000000'])
    assert.equal(stdout.length, 6_888_896)
  })

  processTest('is aborted with the reason of its signal', async () => {
    const control = new AbortController()
    const run = execFile('sleep', ['1000'], { signal: control.signal })
    await run.child.spawned
    const reason = new Error('enough')
    control.abort(reason)
    const error = await failure('aborted', run)
    assert.equal(error.cause, reason)
    assert.match(error.message, /'sleep 1000' was aborted: enough/)
  })

  processTest('says why a program cannot be started, and what to do', async ({ folder }) => {
    const missing = await failure('spawn_failed', execFile('brood-no-such-program'))
    assert.match(missing.message, /'brood-no-such-program' could not be started: no folder of PATH/)
    assert.equal(missing.exit, undefined)
    assert.match((await failure('spawn_failed', execFile('./missing'))).message, /there is no such file/)
    assert.match(
      (await failure('spawn_failed', execFile(folder))).message,
      /not an executable file: chmod \+x/,
    )
    assert.match(
      (await failure('spawn_failed', execFile('echo', ['x'.repeat(3_000_000)]))).message,
      /too long/,
    )
    const call = execFile as (file: unknown, args?: unknown) => unknown
    for (const [file, args] of [[5], [''], ['a\0b'], ['echo', 'text'], ['echo', [5]], ['echo', ['a\0b']]]) {
      throwsWith('usage', () => call(file, args))
    }
  })

  processTest('gives the running program, to be stopped', async () => {
    const run = execFile('sleep', ['1000'])
    await run.child.stop()
    const error = await failure('command_failed', run)
    assert.equal(error.exit?.askedBy, 'stop')
  })
})
