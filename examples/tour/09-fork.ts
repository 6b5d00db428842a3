// Starts a Node program by its file alone: arguments, a channel for messages, and stdout shared or (silent) read here.
import { fork } from 'brood/process'

const module = new URL('children/arguments.ts', import.meta.url)

// silent: false, the default: the child prints where this program prints.
await fork(module, ['a', 'b'], { silent: false }).exit

// silent: true: its stdout is a pipe, as with spawn. The channel for messages is there in both.
await using silent = fork(module, ['c', 'd e'], { silent: true, env: { ...process.env, COLOR: 'green' } })
const messages = silent.messages()
for await (const line of silent.stdout?.lines() ?? []) console.log(`read here: ${line}`)
console.log('message:', (await messages.next()).value?.message)
