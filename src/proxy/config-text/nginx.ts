// The configuration of nginx that does what a route says.
import { isIPv6 } from 'node:net'
import type { BalancerName } from '../../balance/index.ts'
import { cookieOfSlot } from '../http/sticky-cookie.ts'
import {
  hostPort,
  type ListenAt,
  type Route,
  type UpstreamAddress,
  usualConnectTimeout,
  usualIdleTimeout,
} from '../route.ts'
import { indent, nameOf, timeText } from './text.ts'

/** An upgraded connection may be silent for so long; nginx knows no "for ever". */
const longest = 24 * 60 * 60 * 1000

/** A connection for the client and one for the upstream, each a descriptor; nginx' own 512 are few. */
const processLines = [
  'worker_processes auto;',
  'worker_rlimit_nofile 16384;',
  'events {',
  '    worker_connections 8192;',
  '}',
]

/** A complete file, for nginx 1.19 and later. */
export function nginxConfig(route: Route): string {
  const lines = route.mode === 'http' ? httpLines(route) : streamLines(route)
  return `${lines.join('\n')}\n`
}

function httpLines(route: Route): string[] {
  return [
    '# To use with an nginx.conf that you have, put what stands inside of http { } into /etc/nginx/conf.d/brood.conf.',
    ...processLines,
    '',
    'http {',
    ...indent(httpBlock(route), '    '),
    '}',
  ]
}

function httpBlock(route: Route): string[] {
  const { upstreams, listen, trust, timeouts: { connect = usualConnectTimeout, idle } = {}, sticky } = route
  const name = nameOf(route)
  const wait = timeText(idle === 0 ? longest : (idle ?? usualIdleTimeout))
  return [
    '# Connections to upstreams are kept open, but for WebSockets, which are passed on.',
    `map $http_upgrade $${name}_connection {`,
    '    default upgrade;',
    "    ''      '';",
    '}',
    '',
    ...upstreamBlock(name, route.algorithm, upstreams, ['keepalive 256;']),
    ...(sticky === undefined ? [] : stickyBlocks(name, sticky.cookie, upstreams)),
    'server {',
    ...listenLines(listen),
    '    # Uploads of any size, passed on as they come, and answers too.',
    '    client_max_body_size 0;',
    '    location / {',
    `        proxy_pass http://${sticky === undefined ? name : `$${name}_chosen`};`,
    '        proxy_http_version 1.1;',
    '        proxy_request_buffering off;',
    '        proxy_buffering off;',
    `        proxy_connect_timeout ${timeText(connect === 0 ? longest : connect)};`,
    `        proxy_read_timeout ${wait};`,
    `        proxy_send_timeout ${wait};`,
    '        # Only requests that may be sent twice are.',
    '        proxy_next_upstream error timeout;',
    '        proxy_set_header Host $http_host;',
    '        proxy_set_header Upgrade $http_upgrade;',
    `        proxy_set_header Connection $${name}_connection;`,
    `        proxy_set_header X-Forwarded-For ${trust === true ? '$proxy_add_x_forwarded_for' : '$remote_addr'};`,
    ...(trust === true
      ? []
      : [
          '        proxy_set_header X-Forwarded-Proto $scheme;',
          '        proxy_set_header X-Forwarded-Host $http_host;',
          "        proxy_set_header Forwarded '';",
        ]),
    ...(sticky === undefined ? [] : [`        add_header Set-Cookie $${name}_set_cookie always;`]),
    '    }',
    '}',
  ]
}

/** nginx's own `sticky` came late to its free version; maps do the same in any. */
function stickyBlocks(name: string, cookie: string, upstreams: readonly UpstreamAddress[]): string[] {
  return [
    ...upstreams.flatMap((own) => {
      const others = upstreams.filter((one) => one !== own)
      return [
        `# Clients of slot ${own.slot}; others step in while it cannot be reached.`,
        `upstream ${name}_slot_${own.slot} {`,
        `    ${serverLine(own)}`,
        ...others.map((one) => `    server ${hostPort(one)} backup;`),
        '    keepalive 256;',
        '}',
        '',
      ]
    }),
    '# Not $cookie_…, which knows no names with a hyphen.',
    `map $http_cookie $${name}_slot {`,
    "    default '';",
    `    "~(?:^|;)\\s*${escaped(cookie)}=(?<${name}_value>\\d+)\\s*(?:;|$)" $${name}_value;`,
    '}',
    '',
    `map $${name}_slot $${name}_chosen {`,
    `    default ${name};`,
    ...upstreams.map(({ slot }) => `    ${slot} ${name}_slot_${slot};`),
    '}',
    '',
    '# Who answered is the last of the upstreams that were tried.',
    `map "$${name}_slot $upstream_addr" $${name}_set_cookie {`,
    ...upstreams.flatMap((one) => {
      const address = escaped(hostPort(one))
      return [
        `    "~^${one.slot} (?:.*, )?${address}$" '';`,
        `    "~^\\S* (?:.*[, ])?${address}$" "${cookieOfSlot(cookie, one.slot)}";`,
      ]
    }),
    '}',
    '',
  ]
}

/** For a regular expression between double quotes. */
function escaped(text: string): string {
  return text.replaceAll(/[^\w:-]/g, String.raw`\$&`)
}

function streamLines(route: Route): string[] {
  const { listen, upstreams, algorithm, timeouts: { connect = usualConnectTimeout, idle = 0 } = {} } = route
  const name = nameOf(route)
  return [
    "# Debian keeps nginx's stream module apart (libnginx-mod-stream) and loads it here; elsewhere this line does no harm.",
    'include /etc/nginx/modules-enabled/*.conf;',
    ...processLines,
    '',
    'stream {',
    ...indent(
      [
        ...upstreamBlock(name, algorithm, upstreams, []),
        'server {',
        ...listenLines(listen),
        `    proxy_pass ${name};`,
        `    proxy_connect_timeout ${timeText(connect === 0 ? longest : connect)};`,
        `    proxy_timeout ${timeText(idle === 0 ? longest : idle)};`,
        '    proxy_next_upstream on;',
        '    proxy_socket_keepalive on;',
        '    # A client that has ended its side still gets the rest (nginx 1.21.4 and later).',
        '    proxy_half_close on;',
        '}',
      ],
      '    ',
    ),
    '}',
  ]
}

function upstreamBlock(
  name: string,
  algorithm: BalancerName,
  upstreams: readonly UpstreamAddress[],
  more: readonly string[],
): string[] {
  const method = methods[algorithm]
  return [
    ...(algorithm === 'ewma'
      ? ["# Least time is a matter of nginx's commercial version; this comes closest."]
      : []),
    `upstream ${name} {`,
    ...(method === undefined ? [] : [`    ${method};`]),
    ...upstreams.map((one) => `    ${serverLine(one)}`),
    ...indent(more, '    '),
    '}',
    '',
  ]
}

/** Weighted round robin is what nginx does unless it is told otherwise; `ip_hash` would put a whole /24 together. */
const methods: Record<BalancerName, string | undefined> = {
  'round-robin': undefined,
  weighted: undefined,
  'least-connections': 'least_conn',
  'two-choices': 'random two least_conn',
  random: 'random',
  'ip-hash': 'hash $remote_addr consistent',
  ewma: 'least_conn',
}

function serverLine({ weight, ...address }: UpstreamAddress): string {
  return `server ${hostPort(address)}${weight === 1 ? '' : ` weight=${weight}`} max_fails=1 fail_timeout=1s;`
}

function listenLines(listen: ListenAt): string[] {
  if ('path' in listen) return [`    listen unix:${listen.path};`]
  const { host, port, ipv6Only } = listen
  if (host === undefined && ipv6Only !== true) return [`    listen ${port};`, `    listen [::]:${port};`]
  const address = host === undefined ? '[::]' : isIPv6(host) ? `[${host}]` : host
  return [`    listen ${address}:${port};`]
}
