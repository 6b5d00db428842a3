// The smallest primary of node:cluster: forks the server WORKERS times with the SCHEDULING asked for.
import cluster from 'node:cluster'
import { fileURLToPath } from 'node:url'

cluster.schedulingPolicy = process.env.SCHEDULING === 'shared' ? cluster.SCHED_NONE : cluster.SCHED_RR
cluster.setupPrimary({ exec: fileURLToPath(new URL('server.js', import.meta.url)) })
for (let index = 0; index < Number(process.env.WORKERS); index++) cluster.fork()
