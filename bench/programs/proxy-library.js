// A proxy as one writes it with a library: node proxy-library.js <library> <port> <upstream port> …
import http from 'node:http'

const [name, port, ...upstreams] = process.argv.slice(2)
const { createProxyServer } = await import(name)
const agent = new http.Agent({ keepAlive: true, maxFreeSockets: 256 })
const proxy = createProxyServer({ xfwd: true, agent })
proxy.on('error', (error, _request, response) => {
  if (!response.headersSent) response.writeHead(502)
  response.end(error.code)
})

let turn = 0
http
  .createServer((request, response) => {
    const target = `http://127.0.0.1:${upstreams[turn++ % upstreams.length]}`
    proxy.web(request, response, { target })
  })
  .listen(Number(port), '127.0.0.1')
