// Length-prefixed JSON frames: four bytes of length (big endian), then that many bytes of UTF-8 JSON.
import { BroodError } from '../kernel/errors.ts'

/** The largest frame a control channel takes, in bytes: errors with long stacks fit, nothing else comes near. */
export const maxFrameBytes = 1 << 20

const headerBytes = 4

export function encodeFrame(value: unknown): Buffer {
  const json = JSON.stringify(value)
  const length = Buffer.byteLength(json)
  if (length > maxFrameBytes) {
    throw new BroodError('bad_frame', `a message of ${length} bytes is over the limit of ${maxFrameBytes}`)
  }
  const frame = Buffer.allocUnsafe(headerBytes + length)
  frame.writeUInt32BE(length, 0)
  frame.write(json, headerBytes)
  return frame
}

/** Cuts a byte stream into frames; throws `bad_frame` at the first byte that cannot be part of one. */
export class FrameReader {
  #pending: Buffer = Buffer.alloc(0);

  /** Every whole frame that `chunk` completes, parsed, one by one: those before a bad one are not lost with it. */
  *push(chunk: Buffer): Generator<unknown, void> {
    let rest = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk])
    while (rest.length >= headerBytes) {
      const length = rest.readUInt32BE(0)
      // Checked before the body arrives: a foreign protocol's first bytes read as a huge length.
      if (length === 0 || length > maxFrameBytes) {
        throw new BroodError(
          'bad_frame',
          `a frame says it is ${length} bytes long; 1 to ${maxFrameBytes} are allowed`,
        )
      }
      if (rest.length < headerBytes + length) break
      yield parse(rest.subarray(headerBytes, headerBytes + length))
      rest = rest.subarray(headerBytes + length)
    }
    this.#pending = rest
  }
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch (cause) {
    throw new BroodError('bad_frame', `a frame of ${body.length} bytes is not JSON`, { cause })
  }
}
