// Repeats its stdin in capitals, and says on stderr how many lines that were.
import { createInterface } from 'node:readline'

let count = 0
for await (const line of createInterface({ input: process.stdin })) {
  count++
  console.log(line.toUpperCase())
}
process.stderr.write(`${count} lines`)
