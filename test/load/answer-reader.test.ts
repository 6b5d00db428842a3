/** The reader of answers: complete exactly at the last byte, however the bytes are cut, and strict about the rest. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { MalformedAnswer } from '../support/load/answer-head.ts'
import { type Answer, AnswerReader } from '../support/load/answer-reader.ts'

const bounded = { timeout: 10_000 }

const answers = [
  { name: 'with a length', bytes: 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello', body: 'hello' },
  { name: 'without content', bytes: 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', body: '' },
  { name: 'of status 204', bytes: 'HTTP/1.1 204 No Content\r\n\r\n', body: '' },
  { name: 'of status 304', bytes: 'HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n', body: '' },
  { name: 'without a reason', bytes: 'HTTP/1.1 200\r\ncontent-length: 1\r\n\r\nx', body: 'x' },
  {
    name: 'in chunks',
    bytes:
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\nA;note=1\r\n 0\r\n\r\n end\r\n0\r\n\r\n',
    body: 'hello 0\r\n\r\n end',
  },
  {
    name: 'in chunks with trailers',
    bytes:
      'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nchecksum: 1\r\nother: 2\r\n\r\n',
    body: 'x',
  },
  {
    name: 'after interim answers',
    bytes:
      'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx',
    body: 'x',
  },
]

describe('an answer is complete at its last byte, and not before', () => {
  for (const { name, bytes, body } of answers) {
    it(name, bounded, () => {
      const cuts = fc.array(fc.nat(bytes.length), { maxLength: 8 })
      fc.assert(
        fc.property(cuts, (cuts) => {
          const bounds = [0, ...cuts.toSorted((a, b) => a - b), bytes.length]
          const reader = new AnswerReader()
          let answer: Answer | undefined
          for (const [index, from] of bounds.slice(0, -1).entries()) {
            const piece = bytes.slice(from, bounds[index + 1])
            if (from < bytes.length) answer = reader.push(Buffer.from(piece, 'latin1'))
            if ((bounds[index + 1] ?? 0) < bytes.length) assert.equal(answer, undefined)
          }
          assert.equal(answer?.body, body)
        }),
      )
    })
  }

  it('of any content, byte by byte', bounded, () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ minLength: 1 })), (chunks) => {
        const sent = chunks.map((chunk) => Buffer.from(chunk).toString('latin1'))
        const coded = sent.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('')
        const bytes = `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${coded}0\r\n\r\n`
        const reader = new AnswerReader()
        const results = [...bytes].map((byte) => reader.push(Buffer.from(byte, 'latin1')))
        assert.equal(results.at(-1)?.body, sent.join(''))
        assert.equal(results.slice(0, -1).findIndex(Boolean), -1)
      }),
      { numRuns: 50 },
    )
  })
})

describe('an answer that announces that the connection closes', () => {
  const heads = [
    { head: 'HTTP/1.1 200 OK\r\nConnection: close', closes: true },
    { head: 'HTTP/1.1 200 OK\r\nConnection: keep-alive, Close', closes: true },
    { head: 'HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nConnection: close', closes: true },
    { head: 'HTTP/1.1 200 OK\r\nConnection: keep-alive', closes: false },
    { head: 'HTTP/1.1 200 OK\r\nConnection: closed-never', closes: false },
    { head: 'HTTP/1.1 200 OK', closes: false },
    { head: 'HTTP/1.0 200 OK', closes: true },
    { head: 'HTTP/1.0 200 OK\r\nConnection: keep-alive', closes: false },
  ]
  for (const { head, closes } of heads) {
    it(`${JSON.stringify(head)}: ${closes}`, bounded, () => {
      const answer = read(`${head}\r\nContent-Length: 0\r\n\r\n`)
      assert.equal(answer?.head.closes, closes)
    })
  }
})

describe('the end of the connection', () => {
  it('completes an answer without any length', bounded, () => {
    const reader = new AnswerReader()
    assert.equal(reader.push(Buffer.from('HTTP/1.1 200 OK\r\n\r\nhello ')), undefined)
    assert.equal(reader.push(Buffer.from('world')), undefined)
    const answer = reader.end()
    assert.equal(answer?.body, 'hello world')
    assert.equal(answer?.head.closes, true)
  })

  const cut = [
    { bytes: '', where: 'before the answer' },
    { bytes: 'HTTP/1.1 200 OK\r\n', where: 'within the head of the answer' },
    { bytes: 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhe', where: 'with 3 bytes of the answer missing' },
    {
      bytes: 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n',
      where: 'before the last chunk, after 5 bytes of content',
    },
  ]
  for (const { bytes, where } of cut) {
    it(`cuts every other one: ${where}`, bounded, () => {
      const reader = new AnswerReader()
      assert.equal(reader.push(Buffer.from(bytes)), undefined)
      assert.equal(reader.end(), undefined)
      assert.equal(reader.describeProgress(), where)
    })
  }
})

describe('what is not HTTP is refused', () => {
  const malformed = [
    { bytes: 'SSH-2.0-OpenSSH\r\n\r\n', why: /not a status line/ },
    { bytes: 'HTTP/2 200\r\n\r\n', why: /not a status line/ },
    { bytes: 'HTTP/1.1 200 OK\r\nno colon\r\n\r\n', why: /not a header/ },
    { bytes: 'HTTP/1.1 200 OK\r\na: b\r\n continued: x\r\n\r\n', why: /not a header/ },
    { bytes: 'HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n', why: /content-length -1/ },
    {
      bytes: 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\n',
      why: /content-length 1, 1/,
    },
    { bytes: 'HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\n', why: /transfer-encoding gzip/ },
    { bytes: 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 1\r\n\r\n', why: /both/ },
    { bytes: 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n', why: /chunk size "xyz"/ },
    {
      bytes: 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nab\r\n',
      why: /a chunk is longer than its size/,
    },
    { bytes: 'HTTP/1.1 101 Switching Protocols\r\n\r\n', why: /switches protocols/ },
    { bytes: 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nxHTTP/1.1 200 OK', why: /15 bytes after the end/ },
    { bytes: `HTTP/1.1 200 OK\r\nlong: ${'x'.repeat(70_000)}`, why: /no end of line/ },
  ]
  for (const { bytes, why } of malformed) {
    it(JSON.stringify(bytes.slice(0, 90)), bounded, () => {
      const isExpected = (error: unknown) => error instanceof MalformedAnswer && why.test(error.message)
      assert.throws(() => read(bytes), isExpected)
    })
  }
})

function read(bytes: string): Answer | undefined {
  return new AnswerReader().push(Buffer.from(bytes, 'latin1'))
}
