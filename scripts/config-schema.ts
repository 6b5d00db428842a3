// Writes dist/config.schema.json: the JSON Schema of configuration files, for editors, described as in the reference.
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { configRowsOf, configSchema, keysOf } from './check/config-keys.ts'

const root = path.dirname(import.meta.dirname)
const meanings = configRowsOf(readFileSync(path.join(root, 'docs/reference/config.md'), 'utf8'))
const schema = configSchema()
for (const [key, value] of keysOf(schema)) {
  const meaning = meanings.get(key)
  if (meaning !== undefined) value.description = meaning
}
schema.title = 'Configuration of brood'
writeFileSync(path.join(root, 'dist/config.schema.json'), `${JSON.stringify(schema, null, 2)}\n`)
