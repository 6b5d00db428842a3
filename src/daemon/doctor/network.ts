// Sysctls that decide how many connections may wait, and which ports can be had.
import { type Finding, notice, ok, type Patient } from './finding.ts'

/** Node's own backlog; the kernel silently cuts it to somaxconn. */
const backlog = 511
/** Bit of CAP_NET_BIND_SERVICE in the masks of /proc. */
const bindService = 10n

export function checkBacklog({ system }: Patient): Finding[] {
  const most = Number(system.read('/proc/sys/net/core/somaxconn').trim() || Number.NaN)
  if (Number.isNaN(most)) return []
  if (most >= backlog)
    return [ok('backlog', `${most} connections may wait for a worker (net.core.somaxconn)`)]
  return [
    notice(
      'backlog',
      `only ${most} connections may wait for a worker (net.core.somaxconn)`,
      persistently('net.core.somaxconn = 4096'),
    ),
  ]
}

export function checkLowPorts({ system, supervisor }: Patient): Finding[] {
  const start = Number(system.read('/proc/sys/net/ipv4/ip_unprivileged_port_start').trim() || Number.NaN)
  if (Number.isNaN(start)) return []
  const status = system.read(`/proc/${supervisor?.pid ?? 'self'}/status`)
  const mask = /^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1]
  const may = mask !== undefined && ((BigInt(`0x${mask}`) >> bindService) & 1n) === 1n
  if (may) return [ok('low ports', 'ports below 1024 can be bound')]
  if (start <= 80) return [ok('low ports', `ports from ${start} can be bound`)]
  return [
    notice(
      'low ports',
      `ports below ${start} cannot be bound by this user`,
      persistently('net.ipv4.ip_unprivileged_port_start = 80'),
    ),
  ]
}

/** A port that the kernel also gives to outgoing connections may be taken just when an app wants to bind it. */
export function checkPortRange({ system, apps }: Patient): Finding[] {
  const [from, to] = system.read('/proc/sys/net/ipv4/ip_local_port_range').trim().split(/\s+/).map(Number)
  if (from === undefined || to === undefined || !(from < to)) return []
  const reserved = rangesOf(system.read('/proc/sys/net/ipv4/ip_local_reserved_ports'))
  const ports = [...new Set(apps.flatMap(({ addresses }) => addresses.flatMap(portOf)))].filter(
    (port) => port >= from && port <= to && !reserved.some(([low, high]) => port >= low && port <= high),
  )
  if (ports.length === 0)
    return [ok('ports', `outgoing connections use ${from} to ${to}, no app's port among them`)]
  const list = ports.join(',')
  return [
    notice(
      'ports',
      `outgoing connections may take an app's port: ${list}`,
      persistently(`net.ipv4.ip_local_reserved_ports = ${list}`),
    ),
  ]
}

function portOf(label: string): number[] {
  const port = /:(\d+)$/.exec(label)?.[1]
  return port === undefined ? [] : [Number(port)]
}

/** `8080,9000-9010` */
function rangesOf(text: string): [number, number][] {
  return text
    .trim()
    .split(',')
    .filter(Boolean)
    .map((part) => {
      const [low = 0, high = low] = part.split('-').map(Number)
      return [low, high]
    })
}

function persistently(setting: string): string {
  return `echo '${setting}' | sudo tee -a /etc/sysctl.d/60-brood.conf; sudo sysctl --system`
}
