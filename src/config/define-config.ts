// What a configuration file exports, with types for editors.
import type { ConfigInput } from './config-input.ts'

/** What a configuration file that is a function is told. */
export interface ConfigContext {
  /** As given by `--env-name`. */
  readonly envName: string | undefined
}

/** The configuration itself, or a function that makes it. */
export type ConfigExport = ConfigInput | ((context: ConfigContext) => ConfigInput | Promise<ConfigInput>)

/**
 * Returns what it is given; its use is that editors know the keys and their types.
 *
 * @example
 * ```ts
 * import { defineConfig } from 'brood'
 *
 * export default defineConfig({
 *   apps: [{ name: 'web', script: './server.js', workers: 'max', port: 3000 }],
 * })
 * ```
 */
export function defineConfig(config: ConfigExport): ConfigExport {
  return config
}
