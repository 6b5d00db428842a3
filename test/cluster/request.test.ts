// cluster.request: answers, every way to get none, and nothing of it among the program's own messages.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const program = fileURLToPath(new URL('asked.js', import.meta.url))

test('a worker is asked and answers, or the error says why not', { timeout: 30_000 }, async (t) => {
  const { NODE_TEST_CONTEXT: _context, ...env } = process.env
  const { stdout } = await promisify(execFile)(process.execPath, [program], { env, signal: t.signal })
  assert.deepEqual(JSON.parse(stdout), {
    double: 42,
    nobody: 'no_handler',
    throws: 'handler_failed',
    never: 'timed_out',
    dies: 'channel_closed',
    dead: 'channel_closed',
    seen: ['a message of the program'],
  })
})
