// The proxies of others that a route can be written for.
import type { Route } from '../route.ts'
import { haproxyConfig } from './haproxy.ts'
import { nginxConfig } from './nginx.ts'

export const configWriters: Record<'nginx' | 'haproxy', (route: Route) => string> = {
  nginx: nginxConfig,
  haproxy: haproxyConfig,
}
