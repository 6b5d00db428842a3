// The JSON Schema for editors: it has every key, with the meaning that the reference gives it.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { configRowsOf, configSchema, keysOf } from '../../scripts/check/config-keys.ts'

const reference = join(import.meta.dirname, '../../docs/reference/config.md')

test('has what a file must have, and refuses what it does not know', () => {
  const schema = configSchema()
  assert.deepEqual(schema.required, ['apps'])
  assert.equal(schema.additionalProperties, false)
  const apps = schema.properties?.apps
  assert.ok(typeof apps === 'object' && typeof apps.items === 'object' && !Array.isArray(apps.items))
  assert.deepEqual(apps.items.required, ['script'])
  assert.equal(apps.items.additionalProperties, false)
})

test('names each key once for each place it stands in, and nested ones by their whole path', () => {
  const keys = keysOf(configSchema()).map(([key]) => key)
  for (const key of [
    '$schema',
    'script',
    'stop.grace',
    'restart.backoff.from',
    'groups.<name>.apps',
    'hooks.on',
    'probe.port',
  ])
    assert.ok(keys.includes(key), key)
  assert.deepEqual(
    keys.filter((key) => key.startsWith('apps.') || key.includes('probe.probe')),
    [],
  )
})

test('gets a meaning for each key from the tables of the reference, without Markdown', () => {
  const meanings = configRowsOf(readFileSync(reference, 'utf8'))
  for (const [key] of keysOf(configSchema())) assert.match(meanings.get(key) ?? '', /^[^`]+$/, key)
  const row = configRowsOf('| `a.b` | x | y | see [this](that.md) or `c \\| d` |\n| `no row` | of four |\n')
  assert.deepEqual([...row], [['a.b', 'see this or c | d']])
})
