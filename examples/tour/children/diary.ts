// Writes a line every second into the file of its argument, for a minute, whoever is its parent by then.
import { appendFileSync, rmSync } from 'node:fs'

const file = process.argv[2]
if (file === undefined) throw new Error('usage: node diary.ts <file>')

const write = (): void => {
  appendFileSync(file, `${new Date().toISOString()} my parent is ${process.ppid}\n`)
}

const end = (): void => {
  rmSync(file, { force: true })
  process.exit()
}

process.on('SIGTERM', end)
setTimeout(end, 60_000)
setInterval(write, 1000)
write()
