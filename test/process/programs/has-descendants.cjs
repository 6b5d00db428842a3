// Starts a child and a grandchild, all of which take no notice of SIGTERM if 'stubborn' is said, and prints the numbers of all three.
const { spawn } = require('node:child_process')
const [generation = '0', manner = ''] = process.argv.slice(2)
if (manner === 'stubborn') process.on('SIGTERM', () => {})
setInterval(() => {}, 1_000_000)
if (Number(generation) < 2) {
  const below = [__filename, String(Number(generation) + 1), manner]
  const child = spawn(process.execPath, below, { stdio: ['ignore', 'pipe', 'inherit'] })
  child.stdout.once('data', (text) => console.log(`${process.pid} ${text}`.trim()))
} else {
  console.log(process.pid)
}
