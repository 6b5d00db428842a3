// Which share mode an app gets unless it asks for one.
import type { ShareMode } from '../listen/open-address.ts'

/** Only Linux spreads connections over SO_REUSEPORT listeners; elsewhere the last one bound would get them all. */
export const defaultShareMode: ShareMode = process.platform === 'linux' ? 'slots' : 'shared'
