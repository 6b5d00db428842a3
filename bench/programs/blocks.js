// The program of the blocked measure: says which process answered, and blocks its loop when it is told to.
import { createServer } from 'node:http'

const answer = `${process.pid}\n`

const server = createServer((request, response) => {
  response.setHeader('Content-Type', 'text/plain')
  const length = Number(/^\/block\/(\d+)$/.exec(request.url)?.[1] ?? 0)
  if (length === 0) return response.end(answer)
  const from = now()
  while (now() < from + length);
  response.end(JSON.stringify({ from, to: now() }))
})
// On a busy machine the next order may be late.
server.keepAliveTimeout = 60_000
server.listen(Number(process.env.PORT), '127.0.0.1', () => {
  // Sockets travel on this line: a worker without it cannot stand in for a sibling.
  if (process.env.STAND_IN === 'no') process.disconnect()
})

/** Milliseconds of a clock that all processes of the machine share. */
function now() {
  return Number(process.hrtime.bigint()) / 1e6
}
