// How client and supervisor recognise each other; apart from the contract, whose schemas a client need not load.

/** Goes up with every change that an older client or supervisor would misunderstand. */
export const protocol = 1
export const protocolHeader = 'brood-protocol'
export const versionHeader = 'brood-version'

/** Operations of any protocol: to find out, to hand over to another version, to make an end. */
export const timeless: ReadonlySet<string> = new Set(['status', 'upgrade', 'kill'])

/** The largest request body, in bytes; an app's whole environment fits many times over. */
export const maxBodyBytes = 1 << 20
