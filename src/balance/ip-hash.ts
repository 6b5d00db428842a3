// IP hash: the same client address goes to the same target, and moves only if that target is gone.
import type { Balancer } from './balancer.ts'

/**
 * Rendezvous hashing (Thaler and Ravishankar, 1998): the target with the highest hash of address and id wins, so a
 * target that leaves takes only its own clients' places with it. Connections without an address go to the first.
 */
export function ipHash(): Balancer {
  return {
    pick(targets, { remoteAddress = '' }) {
      let best = targets[0]
      let highest = -1
      for (const target of targets) {
        const score = hash(`${remoteAddress}#${target.id}`)
        if (score > highest) {
          best = target
          highest = score
        }
      }
      return best
    },
  }
}

/** FNV-1a, 32 bits, with a last mix: alone it differs too little for texts that differ in their last letter. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let index = 0; index < text.length; index++) {
    value ^= text.charCodeAt(index)
    value = Math.imul(value, 0x01000193)
  }
  value ^= value >>> 16
  value = Math.imul(value, 0x85ebca6b)
  value ^= value >>> 13
  return value >>> 0
}
