// A small HTTP server that knows nothing of brood; `npm start` runs it as a cluster on all cores.
import { createServer } from 'node:http'

const port = Number(process.env.PORT ?? 3000)

const server = createServer((request, response) => {
  console.log(`${process.pid} ${request.method} ${request.url}`)
  response.end(`Hello from process ${process.pid}\n`)
})

server.listen(port, () => console.log(`${process.pid} listens on port ${port}`))
