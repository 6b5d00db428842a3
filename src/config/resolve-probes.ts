// Readiness and liveness of an app: short forms made long, and a probe only where it is asked.
import type * as v from 'valibot'
import type { CheckedApp } from './app-input.ts'
import type { appSpec, Probe } from './app-spec.ts'
import type { Refuse } from './origin.ts'

/** When a worker counts as ready. */
export function readyOf(
  ready: CheckedApp['ready'],
  interpreter: string | undefined,
  refuse: Refuse,
): v.InferInput<typeof appSpec>['ready'] {
  const { on, path, probe, timeout = 30_000, settle = 250, every } = asReady(ready)
  const asked = theProbe(path, probe, 'ready', refuse)
  // Whatever is no Node program cannot tell that it listens.
  const usual = asked !== undefined ? 'probe' : interpreter === undefined ? 'listening' : 'spawn'
  const when = on ?? usual
  if (when === 'probe' && asked === undefined)
    throw refuse(['ready', 'on'], 'write a path or a probe beside it', when)
  if (when !== 'probe' && asked !== undefined)
    throw refuse(['ready', 'on'], "a probe needs 'probe' here", when)
  if (interpreter !== undefined && (when === 'listening' || when === 'message'))
    throw refuse(['ready', 'on'], "only a Node program can say so: use 'spawn', or a probe with a port", when)
  assertAskable(asked, 'ready', interpreter, refuse)
  return { on: when, timeout, settle, probe: asked, every }
}

type ReadyKeys = Exclude<CheckedApp['ready'], string | Probe | undefined>

function asReady(ready: CheckedApp['ready']): ReadyKeys {
  if (ready === undefined) return {}
  if (typeof ready === 'string') return { on: ready }
  return 'type' in ready ? { probe: ready } : ready
}

/** What a ready worker must go on to answer. */
export function liveOf(
  live: CheckedApp['live'],
  interpreter: string | undefined,
  refuse: Refuse,
): v.InferInput<typeof appSpec>['live'] {
  if (live === undefined) return undefined
  const {
    path,
    probe,
    every = 10_000,
    timeout = 5000,
    failures = 3,
  } = 'type' in live ? { probe: live } : live
  const asked = theProbe(path, probe, 'live', refuse)
  if (asked === undefined) throw refuse(['live'], "needs a 'path' or a 'probe'")
  assertAskable(asked, 'live', interpreter, refuse)
  return { probe: asked, every, timeout, failures }
}

/** Without a port a worker asks its own server, which only Node programs can be made to do. */
function assertAskable(
  probe: ReadyKeys['probe'],
  key: string,
  interpreter: string | undefined,
  refuse: Refuse,
): void {
  if (interpreter === undefined || probe === undefined || probe.port !== undefined) return
  throw refuse([key], 'a program that is not for Node can only be asked over the network: name a port')
}

function theProbe(
  path: string | undefined,
  probe: ReadyKeys['probe'],
  key: string,
  refuse: Refuse,
): v.InferInput<typeof appSpec>['ready']['probe'] {
  if (path !== undefined && probe !== undefined) throw refuse([key], "needs a 'path' or a 'probe', not both")
  return path === undefined ? probe : { type: 'http', path }
}
