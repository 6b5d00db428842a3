// What a supervisor has to remember beyond its own life: the apps, what is wanted of them, the addresses they listen on.
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import * as v from 'valibot'
import { appSpec } from '../config/app-spec.ts'
import { asHomeError, type Home } from './home.ts'

const address = v.variant('kind', [
  v.object({
    kind: v.literal('tcp'),
    host: v.optional(v.string()),
    port: v.number(),
    ipv6Only: v.boolean(),
    ordinal: v.number(),
  }),
  v.object({ kind: v.literal('unix'), path: v.string() }),
])

const remembered = v.object({
  version: v.literal(1),
  apps: v.array(
    v.object({
      spec: appSpec,
      wanted: v.picklist(['running', 'stopped']),
      size: v.number(),
      addresses: v.array(address),
    }),
  ),
})

export type RememberedApp = v.InferOutput<typeof remembered>['apps'][number]

/** Replaces the file in one step: a crash leaves the old or the new state, never half of one. */
export function saveState(home: Home, apps: readonly RememberedApp[]): void {
  const draft = `${home.state}.new`
  try {
    writeFileSync(draft, JSON.stringify({ version: 1, apps }), { mode: 0o600 })
    renameSync(draft, home.state)
  } catch (error) {
    rmSync(draft, { force: true })
    throw asHomeError(home, error)
  }
}

/** Empty when there is none. A file that cannot be understood is set aside, so that it is neither obeyed nor lost. */
export function loadState(home: Home): RememberedApp[] {
  let text: string
  try {
    text = readFileSync(home.state, 'utf8')
  } catch {
    return []
  }
  try {
    return v.parse(remembered, JSON.parse(text)).apps
  } catch {
    renameSync(home.state, `${home.state}.unreadable`)
    return []
  }
}

export function forgetState(home: Home): void {
  rmSync(home.state, { force: true })
}
