// What a worker is told at its birth: who it is, and at which descriptors it finds what it was given.

/** Travels in one environment variable, which the preload removes before the program can see it. */
export const birthVariable = 'BROOD_BIRTH'

export interface Birth {
  app: string
  slot: number
  /** Descriptor of the control channel. */
  control: number
  /** Address key → descriptor of this slot's listening socket. */
  sockets: Record<string, number>
}
