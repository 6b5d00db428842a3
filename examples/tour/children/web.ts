// A plain web server: it knows nothing of clusters, and is served by one all the same.
import { createServer } from 'node:http'

console.log('arguments', process.argv.slice(2), 'color', process.env.COLOR ?? 'none')
// Only who has forked it can be told something.
process.send?.(new Map([['state', 'starting']]))

createServer((request, response) => {
  if (request.url === '/crash') process.exit(1)
  response.end('hello world')
}).listen(0, '127.0.0.1')
