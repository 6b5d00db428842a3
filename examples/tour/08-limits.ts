// What happens to a command that prints too much, takes too long, or fails: an error that has its output with it.
import { exec, execFile, ProcessError, type Running, spawn } from 'brood/process'

async function failureOf(running: Running): Promise<ProcessError> {
  const error: unknown = await running.catch((reason: unknown) => reason)
  if (error instanceof ProcessError) return error
  throw new Error('the command was to fail')
}

// `yes` prints for ever. What is over maxBuffer ends it; what came before is not lost.
const talkative = await failureOf(exec({ maxBuffer: 1000 })`yes`)
console.log(`${talkative.code}: ${talkative.stdout.length} bytes kept, ended by ${talkative.exit?.askedBy}`)

const slow = await failureOf(execFile('sleep', ['60'], { timeout: 100 }))
console.log(`${slow.code}: ended by ${slow.exit?.askedBy} with ${slow.exit?.signal}`)

const failed = await failureOf(exec`echo half done; echo no disk >&2; exit 3`)
console.log(
  `${failed.code}: code ${failed.exit?.code}, '${failed.stdout}' and '${failed.stderr}'`.replaceAll('\n', ''),
)

const missing = await failureOf(execFile('no-such-program'))
console.log(`${missing.code}: ${missing.message}`)

// For much output take spawn: it is read as it comes, and the child waits for its reader.
await using endless = spawn('yes')
let lines = 0
for await (const _ of endless.stdout?.lines() ?? []) if (++lines === 100_000) break
console.log(`spawn: read ${lines} lines and left, as head does`)
