// A program without brood: answers every message over Node's own IPC, and counts what it was sent.
process.on('message', (message, handle) => {
  if (message === 'disconnect') process.disconnect()
  else process.send({ echo: message, handle: handle?.constructor.name })
  handle?.close?.()
  handle?.destroy?.()
})
process.send('hello')
