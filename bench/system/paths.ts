// Names the places in the repository that benchmarks use.
import { fileURLToPath } from 'node:url'

const absolute = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))

export const repository = absolute('../../')
export const benchDirectory = absolute('../')
export const resultsDirectory = absolute('../results/')
export const broodCommand = absolute('../../bin/brood.js')
export const broodBuild = absolute('../../dist/cli/main.js')
export const preloadFile = absolute('../../dist/worker/preload.js')
export const pm2Command = absolute('../node_modules/pm2/bin/pm2')
export const serverProgram = absolute('../programs/server.js')
export const blocksProgram = absolute('../programs/blocks.js')
export const primaryProgram = absolute('../programs/primary.js')
export const startupProgram = absolute('../programs/startup.js')
export const proxyProgram = absolute('../../dist/proxy/main.js')
export const standInProgram = absolute('../programs/proxy-library.js')
export const clusterModule = absolute('../../dist/cluster/index.js')
