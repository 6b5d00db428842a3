// `brood init`: writes a commented configuration file to begin with.
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import { BroodError, messageOf, systemCode } from '../../kernel/errors.ts'
import { contextOf } from '../context.ts'

const name = 'brood.config.ts'

/** Every way a file of this folder may be called already. */
const others = ['mts', 'js', 'mjs', 'cjs', 'json'].map((ending) => `brood.config.${ending}`)

export function initCommand(): Command {
  return new Command('init')
    .description(`write a commented ${name} into this folder`)
    .option('--json', 'print JSON')
    .action((options: { json?: boolean }) => {
      const { terminal } = contextOf(options)
      const path = join(process.cwd(), name)
      const other = others.find((one) => existsSync(join(process.cwd(), one)))
      if (other !== undefined) throw new BroodError('usage', `${other} is here already: edit that`)
      write(path)
      if (terminal.json) terminal.printJson({ path })
      else {
        terminal.print(`wrote ${name}: name your script in it, then`)
        terminal.print('  brood apply --dry-run    show what would be done')
        terminal.print('  brood apply              do it, and again after each change of the file')
      }
    })
}

function write(path: string): void {
  try {
    writeFileSync(path, template, { flag: 'wx' }) // never over somebody's own
  } catch (error) {
    if (systemCode(error) === 'EEXIST') throw new BroodError('usage', `${name} is here already: edit that`)
    throw new BroodError('config_not_found', `cannot write ${path}: ${messageOf(error)}`, { cause: error })
  }
}

const packageName = 'brood'

const template = `// What runs here. 'brood apply' makes it so; every key is explained in docs/reference/config.md.
import { defineConfig } from '${packageName}'

export default defineConfig({
  apps: [
    {
      name: 'web',
      script: './server.js',
      // A number, 'max' for one per processor, or -1 for all processors but one.
      workers: 'max',
      // Bound before the program starts, and told to it as PORT.
      port: 3000,

      // env: { LOG_LEVEL: 'info' },
      // envFile: ['.env'],
      // envs: { production: { LOG_LEVEL: 'warn' } }, // brood apply --env-name production

      // ready: { on: 'listening', timeout: '30s' },
      // stop: { signal: 'SIGTERM', grace: '10s' },
      // restart: { policy: 'permanent', intensity: 5, period: '10s' },
      // maxMemory: '512MB',
      // cron: '0 3 * * *',
      // dependsOn: ['db'],
      // logs: { format: 'json', rotate: { size: '10MB', keep: 10 } },
      // hooks: [{ on: ['crash', 'failed'], run: './notify.sh' }],
    },
  ],
})
`
