// Starts a child that goes on when this program has ended: detached, with its own stdio, and let go with unref.
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { spawn } from 'brood/process'

const file = join(tmpdir(), `diary-${process.pid}.txt`)

const child = spawn(process.execPath, ['diary.ts', file], {
  cwd: new URL('children/', import.meta.url),
  detached: true, // a session of its own: Ctrl-C here does not reach it
  stdio: 'ignore', // a pipe would break, and a terminal would go, with this program
})
await child.spawned
child.unref() // without this, the parent would wait for its child

console.log(`child ${child.pid} writes a line every second for a minute into ${file}`)
console.log(`to end it: kill ${child.pid}`)
console.log('the parent ends')
