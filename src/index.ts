// The package's surface: what a configuration file imports.
export type { AppInput } from './config/app-input.ts'
export type { ConfigInput } from './config/config-input.ts'
export { type ConfigContext, type ConfigExport, defineConfig } from './config/define-config.ts'
