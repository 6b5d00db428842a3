// All contestants, in the order in which tables show them.
import { brood, broodAlone } from './brood.ts'
import type { Contestant } from './contestant.ts'
import {
  bare,
  broodClusterRoundRobin,
  broodClusterSlots,
  clusterRoundRobin,
  clusterShared,
  siblings,
} from './direct.ts'
import { pm2 } from './pm2.ts'

export const contestants: readonly Contestant[] = [
  bare,
  siblings,
  clusterRoundRobin,
  clusterShared,
  broodClusterRoundRobin,
  broodClusterSlots,
  pm2,
  brood,
  broodAlone,
]
