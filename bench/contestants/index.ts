// All contestants, in the order in which tables show them.
import { brood, broodAlone } from './brood.ts'
import type { Contestant } from './contestant.ts'
import { bare, clusterRoundRobin, clusterShared, siblings } from './direct.ts'
import { pm2 } from './pm2.ts'

export const contestants: readonly Contestant[] = [
  bare,
  siblings,
  clusterRoundRobin,
  clusterShared,
  pm2,
  brood,
  broodAlone,
]
