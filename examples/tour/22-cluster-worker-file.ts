// Workers in a file of their own, set up by setupPrimary: what to run, with which arguments, and where their output goes.
import { once } from 'node:events'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import cluster from 'brood/cluster'
import { askHttp } from './ask.ts'

cluster.setupPrimary({
  exec: fileURLToPath(new URL('children/web.ts', import.meta.url)),
  args: ['--use', 'https'],
  silent: true, // what workers print is read here
  serialization: 'advanced',
})
const { exec = '', args, silent, serialization } = cluster.settings
console.log(`${basename(exec)} ${args?.join(' ')}, silent: ${silent}, serialization: ${serialization}`)

const worker = cluster.fork({ COLOR: 'green' }) // added to the environment of this one worker
const [[printed], [message], [{ port }]] = await Promise.all([
  once(worker.process.stdout ?? worker, 'data'),
  once(worker, 'message'),
  once(worker, 'listening'),
])
console.log(`it printed: ${String(printed).trim()}`)
console.log('it sent:', message)
console.log('it answered:', await askHttp(port))

worker.disconnect()
await once(worker, 'exit')
