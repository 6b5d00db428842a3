// Answers: what does a request cost through each reverse proxy, all processes together, against asking a server directly?
import { parseArgs } from 'node:util'
import { bare } from './contestants/direct.ts'
import { proxies } from './contestants/proxies.ts'
import { connectionKinds, measureRequests } from './measures/requests.ts'
import { findWrk, loadConnections } from './measures/wrk.ts'
import { costRatio } from './report/cluster-summary.ts'
import { progress } from './report/progress.ts'
import { saveResults } from './report/save.ts'
import { median, type Spread } from './report/statistics.ts'
import { table } from './report/table.ts'
import type { Suite } from './suite.ts'
import { runCommand } from './system/command.ts'
import { describeMachine } from './system/machine.ts'
import { ensurePeers, peerVersions } from './system/peers.ts'

const upstreams = 2
const contestants = [bare, ...proxies]

export const proxy: Suite = {
  question:
    'what does a request cost through each reverse proxy, all processes together, against asking a server directly?',
  async run(words, signal) {
    const { values } = parseArgs({
      args: [...words],
      options: { rounds: { type: 'string', default: '5' }, seconds: { type: 'string', default: '3' } },
    })
    const [rounds, seconds] = [Number(values.rounds), Number(values.seconds)]
    const machine = describeMachine()
    await ensurePeers(signal)
    const versions = { ...peerVersions(), wrk: await findWrk(signal), ...(await otherVersions(signal)) }
    const requests = await measureRequests(contestants, {
      workers: upstreams,
      rounds,
      seconds,
      signal,
      progress,
    })
    progress('')
    const file = saveResults('proxy', rounds >= 5, {
      question: proxy.question,
      date: new Date().toISOString(),
      machine,
      versions,
      settings: { rounds, seconds, upstreams, loadConnections },
      figures: { requests },
    })
    for (const kind of connectionKinds) {
      const rows = contestants.map(({ key, title }) => {
        const own = requests.filter((one) => one.contestant === key && one.connections === kind)
        return [
          title,
          median(own.map((one) => one.microsecondsPerRequest)).toFixed(1),
          figure(costRatio(requests, kind, key, 'bare')),
          figure(costRatio(requests, kind, key, 'built-in-http')),
          String(own.reduce((sum, { errors }) => sum + errors, 0)),
        ]
      })
      console.log(`\n${kind}`)
      console.log(table(['', 'CPU µs', '/ direct', '/ brood proxy, http', 'errors'], rows))
    }
    console.log(`\nraw figures: ${file}`)
  },
}

async function otherVersions(signal: AbortSignal): Promise<Record<string, string>> {
  const options = { timeout: 10_000, signal }
  try {
    const nginx = await runCommand('sh', ['-c', 'PATH="$PATH:/usr/sbin" nginx -v 2>&1'], options)
    const haproxy = await runCommand('sh', ['-c', 'PATH="$PATH:/usr/sbin" haproxy -v'], options)
    return {
      nginx: /nginx\/(\S+)/.exec(nginx.stdout)?.[1] ?? 'unknown',
      haproxy: /version (\S+)/.exec(haproxy.stdout)?.[1] ?? 'unknown',
    }
  } catch (cause) {
    signal.throwIfAborted()
    throw new Error('nginx or HAProxy is not installed: run scripts/setup-test-servers.sh', { cause })
  }
}

/** The median, with the smallest and the largest. */
function figure(value: Spread | undefined): string {
  if (value === undefined) return '-'
  const [middle, least, most] = [value.median, value.smallest, value.largest].map((one) => one.toFixed(2))
  return `${middle} (${least}–${most})`
}
