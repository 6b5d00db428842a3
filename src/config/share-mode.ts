// Which share mode an app gets unless it asks for one.
/** Only Linux spreads connections over SO_REUSEPORT listeners; elsewhere the last one bound would get them all. */
export const defaultShareMode: 'slots' | 'shared' = process.platform === 'linux' ? 'slots' : 'shared'
