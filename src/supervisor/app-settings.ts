// What the supervisor needs to know of an app; the configuration above it is built to fit.
import type { ShareMode } from '../listen/open-address.ts'
import type { Policy } from './state.ts'

export interface AppSettings {
  readonly name: string
  readonly script: string
  readonly args: readonly string[]
  readonly nodeArgs: readonly string[]
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  readonly workers: number
  readonly maxWorkers: number
  readonly port: number | undefined
  readonly share: ShareMode
  readonly readyOn: 'listening' | 'message' | 'spawn'
  readonly stopSignal: NodeJS.Signals
  readonly policy: Policy
}

/** Where a worker's output goes. */
export interface Output {
  /** Descriptors for one worker of the slot; throws when they cannot be opened. */
  open(slot: number): { stdout: number | 'inherit'; stderr: number | 'inherit'; close(): void }
  /** The last lines this slot wrote to stderr since its worker was opened. */
  lastErrors(slot: number): readonly string[]
}
