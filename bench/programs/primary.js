// The smallest primary of a cluster, Node's or brood's: forks the server WORKERS times with the SCHEDULING asked for.
import { fileURLToPath } from 'node:url'

const { default: cluster } = await import(process.env.CLUSTER ?? 'node:cluster')

const policies = { shared: cluster.SCHED_NONE, 'round-robin': cluster.SCHED_RR, slots: cluster.SCHED_SLOTS }
cluster.schedulingPolicy = policies[process.env.SCHEDULING]
cluster.setupPrimary({ exec: fileURLToPath(new URL('server.js', import.meta.url)) })
for (let index = 0; index < Number(process.env.WORKERS); index++) cluster.fork()
