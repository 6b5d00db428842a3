// How client and supervisor recognise each other; apart from the contract, whose schemas a client need not load.

/** Goes up with every change that an older client or supervisor would misunderstand. */
export const protocol = 1
export const protocolHeader = 'brood-protocol'
export const versionHeader = 'brood-version'

/** The largest request body, in bytes; an app's whole environment fits many times over. */
export const maxBodyBytes = 1 << 20
