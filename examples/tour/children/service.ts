// Something that others depend on: says when it is ready, and when it ends.
const name = process.argv[2]

process.on('SIGTERM', () => {
  console.log(`${name} ends`)
  process.exit()
})
// Nothing is read; while somebody listens, the channel keeps this process alive.
process.on('message', () => {})
process.send?.('ready')
