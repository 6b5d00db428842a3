// Where the workers of an app in share mode `ports` are, as somebody would write it after `--to`.
import type { AppDetail, WorkerPorts } from '../daemon/control/contract.ts'
import { BroodError } from '../kernel/errors.ts'
import { hostPort, reachable } from '../proxy/route.ts'

/** By slot. `address`: which one of the program is meant; may be left out where it has only one. */
export function workerUpstreams(app: AppDetail, address: string | undefined): string[] {
  const { host, ports } = choose(app, address)
  if (ports.length === 0)
    throw wrong(`--of ${app.name}: it has no workers: 'brood scale ${app.name} 1' first`)
  return ports.map((port) => hostPort({ host: reachable(host), port }))
}

function choose({ name, spec, workerPorts = [] }: AppDetail, address: string | undefined): WorkerPorts {
  if (spec.share !== 'ports')
    throw wrong(
      `--of ${name}: its share mode is ${spec.share}, where workers have no ports of their own: ` +
        `'brood start … --share ports --proxy off', or name servers with --to`,
    )
  const [first, second] = workerPorts
  if (first === undefined)
    throw wrong(
      `--of ${name}: it does not listen: 'brood restart ${name}' first, and see 'brood show ${name}'`,
    )
  const known = workerPorts.map((one) => one.address).join(', ')
  if (address === undefined) {
    if (second === undefined) return first
    throw wrong(`--of ${name}: it listens on ${known}: choose one, such as '--address ${first.address}'`)
  }
  const chosen = workerPorts.find((one) => one.address === address)
  if (chosen === undefined) throw wrong(`--address ${address}: '${name}' listens on ${known}`)
  return chosen
}

function wrong(message: string): BroodError {
  return new BroodError('usage', message)
}
