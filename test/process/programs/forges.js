// Sends what looks like brood's envelopes and is none, then answers the first request with an error.
const kind = 'brood:process:1'
const bad = [0, null, 'x', {}, 'request', 'reply', 'failure', 'refused', 'cancel']
for (const type of bad) {
  process.send({ [kind]: type })
  process.send({ [kind]: type, id: 'x', name: {}, error: 5, code: 'internal' })
  process.send({ [kind]: type, id: 99, name: 7, error: { name: 1 }, code: 'no_such_code', message: 5 })
}
process.send({ [kind]: 'reply', id: 1e9, value: 'of no request' })
process.send('done')
process.on('message', ({ id }) => {
  process.send({ [kind]: 'failure', id, error: { name: 'Error', message: 'as asked' } })
})
