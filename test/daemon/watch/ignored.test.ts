// Which paths below a watched folder count for nothing.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ignored } from '../../../src/daemon/watch/ignored.ts'

const root = '/srv/node_modules/app'
const cases: readonly [pattern: string, path: string, isIgnored: boolean][] = [
  ['node_modules', 'node_modules', true],
  ['node_modules', 'node_modules/x/y.js', true],
  ['node_modules', 'packages/a/node_modules/x.js', true],
  ['node_modules', 'src/index.ts', false],
  ['node_modules', 'node_modules.ts', false],
  ['dist/', 'dist/a.js', true],
  ['*.log', 'a.log', true],
  ['*.log', 'logs/deep/a.log', true],
  ['*.log', 'a.logs', false],
  ['public/assets', 'public/assets', true],
  ['public/assets', 'public/assets/a.css', true],
  ['./public/assets', 'public/assets/a.css', true],
  ['public/assets', 'src/public/assets/a.css', false],
  ['src/**/*.test.ts', 'src/a/b/c.test.ts', true],
  ['src/**/*.test.ts', 'src/a/b/c.ts', false],
  ['/srv/node_modules/app/data', 'data/x', true],
  ['/srv/node_modules/app/data', 'data2', false],
  ['/srv/*/app/x', 'x', true],
]

for (const [pattern, path, isIgnored] of cases) {
  test(`'${pattern}' ${isIgnored ? 'fits' : 'does not fit'} ${path}`, () => {
    assert.equal(ignored(root, [pattern])(`${root}/${path}`), isIgnored)
  })
}

test('the root itself is never ignored', () => {
  assert.equal(ignored(root, ['node_modules', 'app', '**'])(root), false)
})

test('one pattern of several is enough', () => {
  assert.equal(ignored(root, ['a', 'b'])(`${root}/b`), true)
  assert.equal(ignored(root, [])(`${root}/b`), false)
})
