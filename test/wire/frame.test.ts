// Frames: whole whatever the cuts, and refused at the first byte that cannot be part of one.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { BroodError } from '../../src/kernel/errors.ts'
import { encodeFrame, FrameReader, maxFrameBytes } from '../../src/wire/frame.ts'
import { cuts, pieces } from '../support/pieces.ts'

const bounded = { timeout: 30_000 }

const messages = fc.array(fc.jsonValue({ stringUnit: 'binary' }), { maxLength: 8 })

function readAll(bytes: Buffer, at: readonly number[]): unknown[] {
  const reader = new FrameReader()
  return pieces(bytes, at).flatMap((piece) => [...reader.push(piece)])
}

const isBadFrame = (error: unknown): boolean => error instanceof BroodError && error.code === 'bad_frame'

const isBadHeader = (error: unknown): boolean =>
  isBadFrame(error) && error instanceof Error && /^a frame says it is \d+ bytes long/.test(error.message)

suite('a frame reader', () => {
  test('gives the same messages however their bytes are cut', bounded, () => {
    fc.assert(
      fc.property(messages, cuts, (values, at) => {
        const bytes = Buffer.concat(values.map(encodeFrame))
        assert.deepEqual(readAll(bytes, at), JSON.parse(JSON.stringify(values)))
      }),
      { numRuns: 1000 },
    )
  })

  test('gives a message at its last byte, and not before', bounded, () => {
    const reader = new FrameReader()
    const frame = encodeFrame({ text: 'größer, 大きい, 🐣' })
    for (const byte of frame.subarray(0, -1)) assert.deepEqual([...reader.push(Buffer.of(byte))], [])
    assert.deepEqual([...reader.push(frame.subarray(-1))], [{ text: 'größer, 大きい, 🐣' }])
  })

  test('takes a frame of exactly the limit, in many pieces', bounded, () => {
    const text = 'x'.repeat(maxFrameBytes - 2)
    const frame = encodeFrame(text)
    assert.equal(frame.length, maxFrameBytes + 4)
    const at = Array.from({ length: 16 }, (_, index) => index / 16)
    assert.deepEqual(readAll(frame, at), [text])
  })

  const foreign: [name: string, bytes: Buffer][] = [
    ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\nhost: x\r\n\r\n')],
    ['the first four bytes of an HTTP request', Buffer.from('GET ')],
    ['a TLS hello', Buffer.from('1603010200010001fc0303', 'hex')],
    ['an SSH greeting', Buffer.from('SSH-2.0-OpenSSH_9.6\r\n')],
    ['a JSON line', Buffer.from('{"type":"hello"}\n')],
    ['an empty frame', Buffer.from([0, 0, 0, 0])],
    ['a frame one byte over the limit', header(maxFrameBytes + 1)],
    ['the largest length of all', header(0xffff_ffff)],
  ]
  for (const [name, bytes] of foreign) {
    test(`refuses ${name} at the header, before any body`, bounded, () => {
      assert.throws(() => [...new FrameReader().push(bytes)], isBadHeader)
      assert.throws(() => [...new FrameReader().push(bytes.subarray(0, 4))], isBadHeader)
    })
  }

  const bodies = ['{', 'undefined', '{"a":1}x', "{'a':1}", '\u0000', 'NaN']
  for (const body of bodies) {
    test(`refuses the body ${JSON.stringify(body)}, which is not JSON`, bounded, () => {
      const bytes = Buffer.concat([header(body.length), Buffer.from(body)])
      assert.throws(() => [...new FrameReader().push(bytes)], isBadFrame)
    })
  }

  test('never takes random bytes for a message without four bytes that say so', bounded, () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 4, maxLength: 64 }), (bytes) => {
        fc.pre(bytes[0] !== 0 || (bytes[1] ?? 0) > 16)
        assert.throws(() => [...new FrameReader().push(Buffer.from(bytes))], isBadFrame)
      }),
    )
  })
})

suite('an encoder', () => {
  test('refuses a message over the limit, and says how large it is', bounded, () => {
    assert.throws(() => encodeFrame('x'.repeat(maxFrameBytes - 1)), {
      name: 'BroodError',
      code: 'bad_frame',
      message: `a message of ${maxFrameBytes + 1} bytes is over the limit of ${maxFrameBytes}`,
    })
  })

  test('counts bytes, not characters', bounded, () => {
    const frame = encodeFrame('ü')
    assert.equal(frame.readUInt32BE(0), 4)
    assert.equal(frame.length, 8)
    assert.throws(() => encodeFrame('ü'.repeat(maxFrameBytes / 2)), isBadFrame)
  })
})

function header(length: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(length)
  return bytes
}
