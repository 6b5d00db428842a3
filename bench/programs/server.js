// The program that every contestant runs: one line of plain HTTP that says which process answered.
import { createServer } from 'node:http'

const answer = `${process.pid}\n`

createServer((_request, response) => {
  response.setHeader('Content-Type', 'text/plain')
  response.end(answer)
}).listen({
  port: Number(process.env.PORT),
  host: '127.0.0.1',
  // Only for processes that nobody supervises: everyone else shares the port in their own way.
  ...(process.env.REUSE_PORT === 'yes' && { reusePort: true }),
})
