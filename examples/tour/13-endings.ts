// Every way a child can end, and how its parent tells them apart.
import { type Child, type Exit, spawn } from 'brood/process'

const node = (program: string): Child => spawn(process.execPath, ['-e', program], { stdio: 'ignore' })
const sleeper = (timeout = 60_000): Child => spawn('sleep', ['60'], { timeout })

function tell(what: string, { code, signal, askedBy }: Exit): void {
  console.log(`${what}: code ${code}, signal ${signal}, by ${askedBy}`)
}

tell('it returned', await node('1 + 1').exit)
tell('it called process.exit(3)', await node('process.exit(3)').exit)
tell('it threw an error', await node('throw new Error("oh")').exit)

// SIGTERM first, which it may handle, then SIGKILL after the grace period, which nobody can.
const polite = sleeper()
await polite.spawned
tell('stopped', await polite.stop({ grace: 5000 }))

const stubborn = spawn('/bin/sh', ['-c', 'trap "" TERM; echo ready; while :; do sleep 1; done'])
const lines = stubborn.stdout?.lines()
await lines?.next() // now it ignores SIGTERM
tell('stopped, but it did not want to', await stubborn.stop({ grace: 100 }))

tell('killed', await sleeper().kill())
tell('too late', await sleeper(50).exit)

// A signal from somewhere else: the out-of-memory killer, an operator, the child itself.
tell('its own kill', await node('process.kill(process.pid)').exit)
