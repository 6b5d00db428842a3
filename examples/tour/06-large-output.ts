// Sends 64 MB through a child as a stream: neither side ever holds more than a few buffers of it.
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { spawn } from 'brood/process'

const megabytes = 64

function* image(): Generator<Buffer> {
  for (let count = 0; count < megabytes; count++) yield Buffer.alloc(1024 * 1024, count)
}

await using gzip = spawn('gzip', ['-c'])
const { stdin, stdout } = gzip
if (stdin === undefined || stdout === undefined) throw new Error('both are pipes')

let compressed = 0
let restored = 0
await Promise.all([
  // Writing waits when the pipe is full: the child sets the pace.
  pipeline(Readable.from(image()), stdin),
  pipeline(
    stdout,
    async function* (chunks) {
      for await (const chunk of chunks) {
        compressed += chunk.length
        yield chunk
      }
    },
    createGunzip(),
    async (chunks) => {
      for await (const chunk of chunks) restored += chunk.length
    },
  ),
])

console.log(`${megabytes} MB went in, ${restored / 1024 / 1024} MB came out again`)
console.log(`in between it was ${compressed < 1024 * 1024 ? 'less' : 'more'} than one`)
console.log(`gzip ended with code ${(await gzip.exit).code}`)
