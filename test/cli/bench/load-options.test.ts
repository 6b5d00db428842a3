// The words of `brood bench`: what they ask for, and what is said when they make no sense.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { type LoadOptions, loadOf, urlOf } from '../../../src/cli/bench/load-options.ts'
import { BroodError } from '../../../src/kernel/errors.ts'

const usual: LoadOptions = { connections: '100', pipelining: '1' }

test('without options it is GET on 100 connections for the usual time', () => {
  assert.deepEqual(loadOf('http://localhost/', usual, 10_000), {
    url: 'http://localhost/',
    connections: 100,
    duration: 10_000,
    pipelining: 1,
    method: 'GET',
    headers: {},
    body: undefined,
    short: false,
  })
})

test('a body makes it POST, headers are names and values', () => {
  const load = loadOf(
    'http://localhost/',
    {
      ...usual,
      body: '{}',
      duration: '1.5s',
      header: ['content-type: application/json', 'x-a=b: c', 'x-e:'],
    },
    10_000,
  )
  assert.equal(load.method, 'POST')
  assert.equal(load.duration, 1500)
  assert.deepEqual(load.headers, { 'content-type': 'application/json', 'x-a': 'b: c', 'x-e': '' })
  assert.equal(loadOf('', { ...usual, body: '{}', method: 'put' }, 1).method, 'PUT')
})

suite('an address', () => {
  for (const [text, url] of [
    ['http://localhost:3000', 'http://localhost:3000/'],
    ['localhost:3000', 'http://localhost:3000/'],
    [':3000/a?b=c', 'http://localhost:3000/a?b=c'],
    ['127.0.0.1:3000', 'http://127.0.0.1:3000/'],
    ['[::1]:3000', 'http://[::1]:3000/'],
    ['example.test', 'http://example.test/'],
    ['HTTPS://example.test/a', 'https://example.test/a'],
    ['http://a.test/?to=http://b.test/', 'http://a.test/?to=http://b.test/'],
  ] as const) {
    test(`${text} is ${url}`, () => assert.equal(urlOf(text).href, url))
  }

  for (const text of ['', 'ftp://localhost/', 'http://', 'localhost:port', 'localhost:0', 'http:// a']) {
    test(`'${text}' is none`, () => assert.throws(() => urlOf(text), isUsage))
  }
})

suite('refused are', () => {
  for (const [more, says] of [
    [{ connections: '0' }, /^-c 0: write a number from 1 to 20000$/],
    [{ connections: '20001' }, /^-c 20001/],
    [{ connections: '1e3' }, /^-c 1e3/],
    [{ pipelining: '-1' }, /^-p -1/],
    [{ duration: '10' }, /^-d 10: write a time with its unit, such as 10s$/],
    [{ duration: 'long' }, /^-d long/],
    [{ duration: '10ms' }, /^-d 10ms: write a time from 100ms to 1h$/],
    [{ duration: '2h' }, /^-d 2h/],
    [{ method: 'HEAD' }, /^-m HEAD: write GET, POST/],
    [{ header: ['no'] }, /^-H no: write 'name: value'$/],
    [{ header: ['a: b\r\nc: d'] }, /^-H a: b/],
    [{ short: true, pipelining: '2' }, /^--short -p 2/],
  ] as const) {
    test(JSON.stringify(more), () =>
      assert.throws(
        () => loadOf('http://localhost/', { ...usual, ...more }, 10_000),
        (error) => isUsage(error) && says.test(error.message),
      ),
    )
  }
})

function isUsage(error: unknown): error is BroodError {
  return error instanceof BroodError && error.code === 'usage'
}
