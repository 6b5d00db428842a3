// The keys of configuration files: as the schema has them, and as the rows of the reference's tables.
import { type JsonSchema, toJsonSchema } from '@valibot/to-json-schema'
import { configInput } from '../../src/config/config-input.ts'

/** What code alone checks (times, sizes) is any text here; brood itself says more than an editor can. */
export function configSchema(): JsonSchema {
  return toJsonSchema(configInput, { typeMode: 'input', errorMode: 'ignore' })
}

/** Every key with the schemas of its value: `port`, `stop.grace`, `groups.<name>.apps`; those of an app without `apps`. */
export function keysOf(schema: JsonSchema, prefix = ''): [key: string, schema: JsonSchema][] {
  const own = Object.entries(schema.properties ?? {}).flatMap(([key, value]) => {
    if (typeof value === 'boolean') return []
    const path = named(prefix === '' ? key : `${prefix}.${key}`)
    return [[path, value] as [string, JsonSchema], ...keysOf(value, path === 'apps' ? '' : path)]
  })
  const parts = [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), schema.items ?? []].flat()
  const inner = parts.flatMap((part) => (typeof part === 'boolean' ? [] : keysOf(part, prefix)))
  const rest = schema.additionalProperties
  return [...own, ...inner, ...(typeof rest === 'object' ? keysOf(rest, `${prefix}.<name>`) : [])]
}

/** A probe is the same wherever it stands. */
function named(path: string): string {
  return path.replace(/^(?:ready|live)\.probe\./, 'probe.')
}

/** Key and meaning of each table row of four cells that begins with a key: `| \`key\` | type | default | meaning |`. */
export function configRowsOf(markdown: string): Map<string, string> {
  const rows = [...markdown.matchAll(/^\|(.*)\|\s*$/gm)].map(([, cells = '']) =>
    cells.split(/(?<!\\)\|/).map((cell) => cell.trim()),
  )
  return new Map(
    rows.flatMap(([first = '', , , meaning, ...more]) => {
      const key = /^`([^`]+)`$/.exec(first)?.[1]
      return key === undefined || meaning === undefined || more.length > 0 ? [] : [[key, plain(meaning)]]
    }),
  )
}

/** For a reader who does not see Markdown. */
function plain(text: string): string {
  return text
    .replaceAll(/\[([^\]]+)\]\([^)]+\)/g, '$1')
    .replaceAll('`', '')
    .replaceAll('\\|', '|')
    .trim()
}
