// What a configuration file says as a whole: its apps, groups of apps, and hooks of all of them.
import * as v from 'valibot'
import { appInput, hooks } from './app-input.ts'
import { appSpec } from './app-spec.ts'
import { keyed, noList } from './keyed.ts'
import { choice, text } from './written.ts'

const strategies = appSpec.entries.group.wrapped.entries.strategy.options

const group = keyed("{ strategy: 'rest-for-one', apps: ['db', 'api'] }", {
  strategy: v.optional(choice(strategies)),
  apps: v.pipe(
    v.array(text('write the name of an app'), 'write a list of names of apps'),
    v.minLength(1, 'write a list of names of apps'),
  ),
})

const groupsAdvice = "write { backend: { strategy: 'rest-for-one', apps: ['db', 'api'] } }"

export const configInput = keyed("{ apps: [{ script: './server.js' }] }", {
  /** For editors; brood does not look at it. */
  $schema: v.optional(v.string()),
  apps: v.pipe(
    v.array(appInput, "write a list, such as [{ script: './server.js' }]"),
    v.minLength(1, "write at least one app, such as { script: './server.js' }"),
  ),
  groups: v.optional(noList(v.record(v.string(), group, groupsAdvice), groupsAdvice)),
  hooks: v.optional(hooks),
})

/** A configuration file as people write it. */
export type ConfigInput = v.InferInput<typeof configInput>

export type CheckedConfig = v.InferOutput<typeof configInput>
