// The configuration of HAProxy that does what a route says.
import type { BalancerName } from '../../balance/index.ts'
import { hostPort, type ListenAt, type Route, usualConnectTimeout, usualIdleTimeout } from '../route.ts'
import { nameOf, timeText } from './text.ts'

/** An upgraded or passed-through connection may be silent for so long. */
const longest = 24 * 60 * 60 * 1000

/** A complete file, for HAProxy 2.4 and later. */
export function haproxyConfig(route: Route): string {
  const { mode, timeouts: { connect = usualConnectTimeout, idle } = {} } = route
  const name = nameOf(route)
  const wait = idle === 0 || (mode === 'tcp' && idle === undefined) ? longest : (idle ?? usualIdleTimeout)
  const lines = [
    'defaults',
    `    mode ${mode}`,
    `    timeout connect ${timeText(connect === 0 ? longest : connect)}`,
    `    timeout client ${timeText(wait)}`,
    `    timeout server ${timeText(wait)}`,
    ...(mode === 'http'
      ? [
          '    # WebSockets.',
          `    timeout tunnel ${timeText(idle === undefined || idle === 0 ? longest : idle)}`,
        ]
      : ['    option clitcpka', '    option srvtcpka']),
    '    # Whoever cannot be reached is left out, and somebody else asked.',
    '    retries 3',
    '    option redispatch 1',
    '',
    `frontend ${name}`,
    `    bind ${bindOf(route.listen)}`,
    ...(mode === 'http' ? forwardedLines(route.trust === true) : []),
    `    default_backend ${name}_workers`,
    '',
    `backend ${name}_workers`,
    ...balanceLines(route.algorithm),
    ...(mode === 'http' ? backendLines(route) : []),
    '    default-server check inter 1s fall 1 rise 1',
    ...route.upstreams.map((one) => {
      const cookie = route.sticky === undefined ? '' : ` cookie ${one.slot}`
      return `    server slot${one.slot} ${hostPort(one)} weight ${one.weight}${cookie}`
    }),
  ]
  return `${lines.join('\n')}\n`
}

function forwardedLines(trust: boolean): string[] {
  if (trust) return ['    option forwardfor']
  return [
    '    http-request del-header Forwarded',
    '    http-request set-header X-Forwarded-For %[src]',
    '    http-request set-header X-Forwarded-Proto http',
    '    http-request set-header X-Forwarded-Host %[req.hdr(host)]',
  ]
}

function backendLines({ sticky }: Route): string[] {
  return [
    '    # Only requests that may be sent twice are.',
    '    retry-on conn-failure empty-response',
    '    http-request disable-l7-retry unless METH_GET',
    ...(sticky === undefined
      ? []
      : [`    cookie ${sticky.cookie} insert indirect nocache httponly attr SameSite=Lax`]),
  ]
}

function balanceLines(algorithm: BalancerName): string[] {
  switch (algorithm) {
    case 'round-robin':
    case 'weighted':
      return ['    balance roundrobin']
    case 'least-connections':
      return ['    balance leastconn']
    case 'two-choices':
      return ['    balance random(2)']
    case 'random':
      return ['    balance random(1)']
    case 'ip-hash':
      return ['    balance source', '    hash-type consistent']
    case 'ewma':
      return ['    # HAProxy does not balance by latency; this comes closest.', '    balance leastconn']
  }
}

function bindOf(listen: ListenAt): string {
  if ('path' in listen) return `unix@${listen.path}`
  const { host, port, ipv6Only } = listen
  if (host !== undefined) return hostPort({ host, port })
  return ipv6Only === true ? `:::${port} v6only` : `:::${port} v4v6`
}
