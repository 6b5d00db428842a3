// Writes to a child and reads what it answers: stdio 'pipe', the default.
import { spawn } from 'brood/process'

const cwd = new URL('children/', import.meta.url)

await using child = spawn(process.execPath, ['shout.ts'], { cwd, stdio: ['pipe', 'pipe', 'pipe'] })
child.stdin?.write('one\n')
child.stdin?.end('two\n')
// A child's output has no borders but its own: a chunk may hold half a line. So it is read line by line.
for await (const line of child.stdout?.lines() ?? []) console.log(`child: ${line}`)
console.log(`on stderr: ${await child.stderr?.text()}`)

// Or it is not read at all, but sent on to where it should go.
const other = spawn(process.execPath, ['hello.ts', 'by pipe'], { cwd })
other.stdout?.stream.pipe(process.stdout)
await other.exit
