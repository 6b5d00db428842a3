// What every `brood` command loads before it knows which one it is: each module costs half a millisecond, each time.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const bin = fileURLToPath(new URL('../../bin/brood.js', import.meta.url))

/** Tells every module as it is loaded. */
const tells = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from 'node:module'
  import { writeSync } from 'node:fs'
  registerHooks({ load: (url, context, next) => { writeSync(2, 'loads ' + url + '\\n'); return next(url, context) } })
`)}`

test('the command line loads neither the supervisor nor the schemas to begin with', {
  timeout: 20_000,
}, () => {
  const ran = spawnSync(process.execPath, ['--import', tells, bin, '--version'], { encoding: 'utf8' })
  assert.equal(ran.status, 0, ran.stderr)
  const loaded = [...ran.stderr.matchAll(/^loads (.*)$/gm)].map(([, url]) => url ?? '')
  assert.ok(
    loaded.some((url) => url.endsWith('/cli/main.js')),
    'the hook hears',
  )
  const heavy =
    /valibot|sqlite|node:http|\/dist\/(proxy|worker|listen|config\/app-spec|supervisor\/app|daemon\/(serve|supervisor)\b)/
  assert.deepEqual(
    loaded.filter((url) => heavy.test(url) && !url.endsWith('/daemon/supervisor-process.js')),
    [],
  )
})
