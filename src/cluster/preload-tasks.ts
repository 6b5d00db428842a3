// What the primary wants a worker's preload to do; travels in one environment variable.

export const preloadVariable = 'BROOD_CLUSTER'

export interface PreloadTasks {
  readonly countConnections?: boolean
  readonly outlivePrimary?: boolean
}
