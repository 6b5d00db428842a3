// A worker's inspector is prepared without the program or its children noticing, and never against the user's own.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { hasInspector, inspectorArguments } from '../../src/wire/inspector.ts'
import { temporaryProgram } from '../support/temporary.ts'

const preload = fileURLToPath(new URL('../../src/worker/preload.ts', import.meta.url))

suite('the arguments for the inspector', () => {
  test('keep its address to a stderr that is a file', () => {
    const [port, publish] = inspectorArguments(['--enable-source-maps'], undefined, true)
    assert.equal(port, '--inspect-port=127.0.0.1:0')
    assert.equal(publish, '--inspect-publish-uid=stderr')
    assert.deepEqual(inspectorArguments([], '--max-old-space-size=100', false), [port])
  })

  const own: [nodeArgs: string[], nodeOptions: string | undefined][] = [
    [['--inspect'], undefined],
    [['--inspect-brk=0.0.0.0:9229'], undefined],
    [['--inspect-port=9300'], undefined],
    [[], '--no-warnings --inspect-wait'],
  ]
  for (const [nodeArgs, nodeOptions] of own) {
    test(`are left to the user of ${[...nodeArgs, nodeOptions].join(' ')}`, () => {
      assert.ok(hasInspector(nodeArgs, nodeOptions))
      assert.deepEqual(inspectorArguments(nodeArgs, nodeOptions, true), [])
    })
  }
})

test('a program with them can fork a cluster, and sees nothing of them', { timeout: 30_000 }, async (t) => {
  const path = temporaryProgram(
    t,
    'forks.mjs',
    `import cluster from 'node:cluster'
    process.stdout.write(JSON.stringify(process.execArgv))
    if (cluster.isPrimary) cluster.fork().once('exit', (code) => process.exit(code))
    else process.disconnect()`,
  )
  const args = [...inspectorArguments([], undefined, true), '--require', preload, path]
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args)
  assert.equal(stdout, '[][]')
  assert.equal(stderr, '')
})
