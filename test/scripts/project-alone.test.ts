// Proves that the check "speaks of the project alone" sees machine paths and registries, and nothing else.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { strangersIn } from '../../scripts/check/project-alone.ts'

// Put together, so that this file passes the check it tests.
const home = ['', 'home', 'ada', 'app'].join('/')

suite('the check for strangers', () => {
  for (const text of [
    home,
    `cd ${home}`,
    `path: '${home}'`,
    `A=${home}`,
    `file://${home}`,
    `\`${home}\``,
    `PATH=/bin:${home}`,
  ]) {
    test(`finds the path in: ${text.replace(home, '…')}`, () => {
      assert.match(strangersIn('a.md', `first line\n${text}\n`).join(), /^a\.md:2 names /)
    })
  }

  for (const text of [
    'src/work/x.ts',
    `.${home}`,
    `https://a.example${home}`,
    '**/root/**',
    '/workers/',
    '/run/brood',
  ]) {
    test(`passes: ${text.replace(home, '…')}`, () => assert.deepEqual(strangersIn('a.md', text), []))
  }

  test('finds a registry in a lock file, and nowhere else', () => {
    const lock = '{ "resolved": "https://registry.example/a.tgz" }'
    assert.equal(strangersIn('bench/package-lock.json', lock).length, 1)
    assert.deepEqual(strangersIn('package-lock.json', '{ "resolved": "packages/a" }'), [])
    assert.deepEqual(strangersIn('a.json', lock), [])
  })

  test('finds a registry in .npmrc', () => {
    assert.equal(strangersIn('.npmrc', 'registry=https://registry.example\n').length, 1)
    assert.equal(strangersIn('.npmrc', '@a:registry=https://registry.example\n').length, 1)
    assert.deepEqual(strangersIn('.npmrc', 'omit-lockfile-registry-resolved=true\n'), [])
  })

  test('leaves binary files alone', () => assert.deepEqual(strangersIn('a.png', `\0 ${home}`), []))
})
