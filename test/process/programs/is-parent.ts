// Starts a child that stays, with the parentDeath of its first argument, prints both numbers, and then does as its second says.
import { spawn } from '../../../src/process/index.ts'
import { programPath } from '../../support/process/process-test.ts'

const [parentDeath = '', manner = '', childManner = 'stay'] = process.argv.slice(2)
const child = spawn(process.execPath, [programPath('describes-itself.js'), childManner], {
  ...(parentDeath === 'detached'
    ? { detached: true }
    : { parentDeath: parentDeath as 'survive' | 'end' | 'end-on-exit' }),
  stdio: ['ignore', 'pipe', 'ignore'],
  stop: { grace: 300 },
})
for await (const _ of child.stdout?.lines() ?? []) break
if (manner === 'unref') child.unref()
console.log(`${process.pid} ${child.pid}`)
// Not before the test has seen that the child lives.
if (manner === 'exit') process.stdin.once('data', () => process.exit())
if (manner === 'unref') process.stdin.resume()
if (manner === 'stay') setInterval(() => {}, 1_000_000)
