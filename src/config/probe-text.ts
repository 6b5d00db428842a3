// A probe in one line, as it is written in a file and after --ready and --live.
import type { Probe } from './app-spec.ts'

export const probeForms =
  "'/healthz' (asked of each worker), 'http://127.0.0.1:3000/healthz' or 'tcp:127.0.0.1:3000'"

/** `/healthz`, `http:/healthz`, `http://host:port/path`, `tcp:port`, `tcp:host:port`; undefined when it is none of these. */
export function probeOf(text: string): Probe | undefined {
  const own = /^(?:http:)?(\/(?!\/)\S*)$/.exec(text)?.[1]
  if (own !== undefined) return { type: 'http', path: own, host: '127.0.0.1' }
  const tcp = /^tcp:(?:\/\/)?(?:(\[[\da-f:.]+\]|[^\s:[\]/]+):)?(\d+)$/i.exec(text)
  if (tcp !== null) {
    const port = Number(tcp[2])
    return isPort(port) ? { type: 'tcp', host: bare(tcp[1] ?? '127.0.0.1'), port } : undefined
  }
  const url = text.startsWith('http://') ? URL.parse(text) : null
  if (url === null || url.username !== '' || url.hash !== '') return undefined
  const port = url.port === '' ? 80 : Number(url.port)
  return isPort(port)
    ? { type: 'http', path: url.pathname + url.search, host: bare(url.hostname), port }
    : undefined
}

function isPort(port: number): boolean {
  return port >= 1 && port <= 65_535
}

/** Brackets belong to the text, not to the address. */
function bare(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1')
}
