// Proves which imports the layer check lets pass and which it refuses.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { layerFindings } from '../../scripts/check/layers.ts'

/** [file, import statement]; files are relative to src/. */
const allowed: [string, string][] = [
  ['wire/codec.ts', `import { BroodError } from '../kernel/errors.ts'`],
  ['wire/channel.ts', `import { encode } from './codec.ts'`],
  ['listen/slots/worker.ts', `import type { Slot } from './slot.ts'`],
  ['listen/slots/worker.ts', `import { address } from '../worker-address.ts'`],
  ['worker/preload.ts', `import { publish } from '../bus/publish.ts'`],
  ['worker/preload.ts', `import { listen } from '../listen/slots/worker.ts'`],
  ['worker/preload.ts', `import { listen } from '../listen/worker-half.ts'`],
  ['worker/preload.ts', `import { listen } from '../listen/balanced/worker/accept.ts'`],
  ['supervisor/runner.ts', `import { spawnWorker } from '../process/spawn.ts'`],
  ['config/schema.ts', `import type { Policy } from '../supervisor/state.ts'`],
  ['cli/main.ts', `const { start } = await import('./commands/start.ts')`],
  ['cli/commands/start.ts', `import { call } from '../../daemon/client.ts'`],
  ['index.ts', `export { defineConfig } from './config/define.ts'`],
  ['cli/main.ts', `import { Command } from 'commander'`],
  ['daemon/server.ts', `import type { Server } from 'node:http'`],
  ['daemon/server.ts', `import net from 'node:net'`],
  ['daemon/server.ts', `const http = process.getBuiltinModule('node:http')`],
  ['daemon/server.ts', `const http = require('node:http')`],
  ['daemon/server.ts', `let http: typeof import('node:http')`],
  ['kernel/errors.ts', `// import { x } from '../cli/main.ts'`],
  ['kernel/errors.ts', `/**\n * import { x } from '../cli/main.ts'\n */`],
]

/** [file, import statement, what the finding says]. */
const refused: [string, string, RegExp][] = [
  ['kernel/errors.ts', `import { encode } from '../wire/codec.ts'`, /wire is above kernel/],
  ['kernel/errors.ts', `import type { Frame } from '../wire/codec.ts'`, /wire is above kernel/],
  ['kernel/errors.ts', `export * from '../wire/codec.ts'`, /wire is above kernel/],
  ['kernel/errors.ts', `export type { Frame } from '../wire/codec.ts'`, /wire is above kernel/],
  ['kernel/errors.ts', `import '../wire/codec.ts'`, /wire is above kernel/],
  ['kernel/errors.ts', `const codec = await import('../wire/codec.ts')`, /wire is above kernel/],
  ['kernel/errors.ts', `type Frame = import('../wire/codec.ts').Frame`, /wire is above kernel/],
  [
    'kernel/errors.ts',
    `import codec, {\n  encode,\n  decode,\n} from '../wire/codec.ts'`,
    /wire is above kernel/,
  ],
  [
    'kernel/errors.ts',
    `const a = 'http://x' // y\nimport { b } from "../wire/codec.ts"`,
    /wire is above kernel/,
  ],
  ['wire/codec.ts', `import { pick } from '../balance/pick.ts'`, /neighbours/],
  ['bus/publish.ts', `import { spawnWorker } from '../process/spawn.ts'`, /neighbours/],
  ['worker/index.ts', `import { lock } from '../locks/mutex.ts'`, /neighbours/],
  ['dashboard/main.ts', `import { table } from '../cli/table.ts'`, /neighbours/],
  ['process/spawn.ts', `import { step } from '../supervisor/step.ts'`, /supervisor is above process/],
  ['supervisor/step.ts', `import type { App } from '../config/app.ts'`, /config is above supervisor/],
  ['worker/preload.ts', `import { spawnWorker } from '../process/spawn.ts'`, /inside users’ programs/],
  ['worker/preload.ts', `import { pick } from '../balance/pick.ts'`, /inside users’ programs/],
  ['worker/preload.ts', `import { bind } from '../listen/slots/supervisor.ts'`, /inside users’ programs/],
  ['worker/preload.ts', `import type { Bound } from '../listen/address.ts'`, /inside users’ programs/],
  ['listen/slots/worker.ts', `import { bind } from './supervisor.ts'`, /worker half/],
  ['listen/slots/worker.ts', `import { bind } from '../balanced/supervisor/bind.ts'`, /worker half/],
  ['extras/thing.ts', `import { encode } from '../wire/codec.ts'`, /src\/extras\/ has no layer/],
  ['cli/main.ts', `import { thing } from '../extras/thing.ts'`, /src\/extras\/ has no layer/],
  ['cli/main.ts', `import { defineConfig } from '../index.ts'`, /the package’s surface/],
  ['cli/main.ts', `import { defineConfig } from 'brood'`, /the one in dist/],
  ['cli/main.ts', `import { ready } from 'brood/worker'`, /the one in dist/],
  ['cli/main.ts', `import settings from '../../package.json' with { type: 'json' }`, /outside of src/],
  ['daemon/server.ts', `import http from 'node:http'`, /16 MB/],
  ['daemon/server.ts', `import { createServer } from 'http'`, /16 MB/],
  ['daemon/server.ts', `import { type Server } from 'node:http'`, /16 MB/],
  ['daemon/server.ts', `export { createServer } from 'node:http'`, /16 MB/],
  ['daemon/server.ts', `const http = await import('node:http')`, /16 MB/],
]

suite('the layer check', () => {
  for (const [file, source] of allowed) {
    test(`lets src/${file} have: ${source.replaceAll('\n', '⏎')}`, () =>
      assert.deepEqual(layerFindings(file, source), []))
  }

  for (const [file, source, finding] of refused) {
    test(`refuses in src/${file}: ${source.replaceAll('\n', '⏎')}`, () => {
      const findings = layerFindings(file, source)
      assert.equal(findings.length, 1, findings.join('\n'))
      assert.match(findings[0] ?? '', finding)
    })
  }

  test('finds every wrong import of a file, and names the file and the import', () => {
    const source = `import { encode } from '../wire/codec.ts'\nimport { step } from '../supervisor/step.ts'\n`
    const findings = layerFindings('kernel/errors.ts', source)
    assert.equal(findings.length, 2)
    assert.match(findings[1] ?? '', /^src\/kernel\/errors\.ts imports '\.\.\/supervisor\/step\.ts': /)
  })
})
