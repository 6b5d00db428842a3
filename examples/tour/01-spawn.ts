// Starts a program that prints onto this program's own terminal: stdio 'inherit', in its three spellings.
import { type Stdio, spawn } from 'brood/process'

const spellings: readonly Stdio[] = [
  'inherit',
  [0, 1, 2], // by number: stdin, stdout, stderr
  [process.stdin, process.stdout, process.stderr],
]

for (const [index, stdio] of spellings.entries()) {
  const child = spawn(process.execPath, ['hello.ts', `number ${index + 1}`], {
    cwd: new URL('children/', import.meta.url),
    stdio,
  })
  const { code } = await child.exit
  // What the child printed went past this program: there is no child.stdout to read.
  console.log(`it ended with code ${code}, stdout here: ${child.stdout}`)
}
