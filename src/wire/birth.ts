// What a worker is told at its birth: who it is, and at which descriptors it finds what it was given.
import type { LogFormat } from './log-line.ts'

/** Travels in one environment variable, which the preload removes before the program can see it. */
export const birthVariable = 'BROOD_BIRTH'

export interface Birth {
  app: string
  slot: number
  /** The worker's number among all workers its app ever had. */
  worker: number
  /** Which description of the app it was started by. */
  release: number
  /** Descriptor of the control channel. */
  control: number
  /** Address key → descriptor of this slot's listening socket. */
  sockets: Record<string, number>
  /** Addresses whose connections the supervisor accepts and sends. */
  balanced?: readonly string[]
  /** Whether "any free UDP port" is each worker's own; otherwise they share one. */
  ownUdpPorts?: true
  /** Whether each slot has a port of its own, by which whoever connects knows it. */
  ownPorts?: true
  /** Whether it is to tell how many connections it has. */
  tellsLoad?: true
  /** Whether it is to tell when connections come in. */
  tellsActivity?: true
  /** Descriptors of sockets that other slots and apps listen on, kept for the next supervisor and for slots without a worker. */
  held: readonly HeldSocket[]
  /** Whether its requests are to be counted from the first; otherwise from the first time somebody asks for the count. */
  counts?: true
  /** How to find and to bring back a supervisor; without it the worker ends when its supervisor does. */
  rescue?: Rescue
  /** Where and how it writes its log; without, the streams of Node are left as they are. */
  logs?: LogBirth
}

export interface HeldSocket {
  readonly app: string
  readonly key: string
  readonly slot: number
  readonly fd: number
}

export interface Rescue {
  /** Where supervisors of this home take workers back: a socket's path, or an abstract name that begins with NUL. */
  readonly line: string
  /** Proves that the worker is one of this home's. */
  readonly token: string
  /** What runs a supervisor: Node, its arguments, and the daemon's entry; empty for a worker that has no right to. */
  readonly command: readonly string[]
  /** The supervisor's environment; the worker's own is its program's. */
  readonly env: Readonly<Record<string, string>>
  /** Where the supervisor writes its own stderr. */
  readonly log: string
  /** The file that says who is starting a supervisor just now. */
  readonly claim: string
  /** Who acts first: 0, then 1, … */
  readonly rank: number
}

/** How a supervisor that was started to replace another finds what it inherits: JSON in this variable. */
export const inheritanceVariable = 'BROOD_INHERIT'

export interface Inheritance {
  readonly line: string
  readonly token: string
  readonly sockets: readonly HeldSocket[]
}

export interface LogBirth {
  format: LogFormat
  /** A file is rotated after so many bytes, and at multiples of so many milliseconds since the epoch; 0: never. */
  rotate: { size: number; every: number }
  /** The paths of the files that descriptors 1 and 2 are open on. */
  files: { stdout: string; stderr: string }
}
