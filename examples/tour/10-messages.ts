// A parent and its child send each other messages, until the parent closes the channel.
import { fork } from 'brood/process'

const child = fork(new URL('children/listens.ts', import.meta.url))
const messages = child.messages()
const next = async (): Promise<unknown> => (await messages.next()).value?.message

console.log('child:', await next())
// Awaiting send keeps a fast sender from filling the memory: it settles when the message is written.
await child.send('hello child')
console.log('child:', await next())

// A message is a copy: two processes share no memory, only what they send.
const counter = { count: 1 }
await child.send(counter)
console.log('child:', await next(), 'here:', counter)

child.disconnect()
await child.disconnected
console.log(`connected: ${child.isConnected}; the child ended by ${(await child.exit).askedBy}`)
