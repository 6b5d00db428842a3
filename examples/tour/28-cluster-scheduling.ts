// The scheduling policies side by side: who accepts a connection, and how the workers share them.
import { fork } from 'brood/process'
import { askHttp, tally } from './ask.ts'
import type { ThreeWorkers } from './children/three-workers.ts'

/** How many requests each worker got, the most first; in words. */
type Judge = (shares: number[]) => string

const kernel: Judge = () => 'the kernel chooses, differently from run to run'
const policies: Record<string, Judge> = {
  // Node's two: cluster.SCHED_RR, where the primary accepts, and cluster.SCHED_NONE, where all workers do, from one socket.
  rr: ([most = 0, , least = 0]) => (least > most / 2 ? 'in turn' : 'unevenly'),
  none: kernel,
  // brood's own: each worker accepts from a socket of its own.
  ...(process.platform === 'linux' ? { slots: kernel } : {}),
  // And algorithms by which the primary chooses.
  'ip-hash': (shares) => (shares.length === 1 ? 'a client keeps its worker' : 'unevenly'),
  weighted: ([most = 0, next = 0]) => (most > 1.5 * next ? 'one worker gets twice its share' : 'evenly'),
}

for (const [policy, judge] of Object.entries(policies)) {
  // A policy is for the life of a primary, so each gets one of its own. In code: cluster.schedulingPolicy = …
  await using primary = fork<ThreeWorkers>(new URL('children/three-workers.ts', import.meta.url), [], {
    env: { ...process.env, NODE_CLUSTER_SCHED_POLICY: policy },
  })
  const port = await primary.request('port', undefined)
  const answers = await tally(40, () => askHttp(port))
  console.log(`${policy}: ${judge([...answers.values()].sort((one, other) => other - one))}`)
}
