// A child that can print nothing anywhere, and still has something to say: stdio 'ignore' with 'ipc'.
import { spawn } from 'brood/process'

await using child = spawn(process.execPath, ['sends.ts'], {
  cwd: new URL('children/', import.meta.url),
  stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
})

for await (const { message } of child.messages()) console.log('child sent', message)
// The loop has ended because the channel has: the child is done.
console.log(`and ended with code ${(await child.exit).code}`)
