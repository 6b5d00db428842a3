// Lets children write into files, by descriptor and by stream, and mixes every form of stdio in one child.
import { once } from 'node:events'
import { closeSync, createWriteStream, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { spawn } from 'brood/process'

const cwd = new URL('children/', import.meta.url)
const folder = mkdtempSync(join(tmpdir(), 'brood-tour-'))
const [errors, output] = [join(folder, 'errors.log'), join(folder, 'output.log')]

// stdin: nothing. stdout: read here. stderr: into a file. And a fourth descriptor for messages.
const descriptor = openSync(errors, 'a')
const mixed = spawn(process.execPath, ['says-it-thrice.ts'], {
  cwd,
  stdio: ['ignore', 'pipe', descriptor, 'ipc'],
})
const messages = mixed.messages()
console.log('stdout: ', (await mixed.stdout?.text())?.trim())
console.log('message:', (await messages.next()).value?.message)
await mixed.exit
// The file is open in both: 'a' puts what this program writes behind what the child has written.
writeSync(descriptor, 'and the parent\n')
closeSync(descriptor)
console.log('file:   ', readFileSync(errors, 'utf8').trim().replace('\n', ', '))

// A stream will do as well, once it has a descriptor.
const stream = createWriteStream(output)
await once(stream, 'open')
await spawn(process.execPath, ['hello.ts', 'in a file'], { cwd, stdio: ['ignore', stream, 'ignore'] }).exit
stream.close()
console.log('stream: ', readFileSync(output, 'utf8').trim())

rmSync(folder, { recursive: true })
