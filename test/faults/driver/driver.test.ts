// Faults at random, under load: after each of them the guarantees hold. A failure names its seed, and that seed replays it.
import { test } from 'node:test'
import { record } from '../figures.ts'
import { drive, faults } from './drive.ts'

const seed = Number(process.env.BROOD_FAULT_SEED ?? 1)
/** Each fault once, as far as the time allows. */
const steps = Number(process.env.BROOD_FAULT_STEPS ?? faults.length)
const seconds = Number(process.env.BROOD_FAULT_SECONDS ?? 20)
const only = process.env.BROOD_FAULT_ONLY?.split(';')

const timeout = (seconds + 120) * 1000

test(`faults drawn by seed ${seed} break no guarantee`, { timeout }, async (t) => {
  t.diagnostic(
    `BROOD_FAULT_SEED=${seed} BROOD_FAULT_STEPS=${steps} BROOD_FAULT_SECONDS=${seconds} replays this`,
  )
  const driven = await drive(t, { seed, steps, seconds, ...(only === undefined ? {} : { only }) })
  for (const [name, why] of Object.entries(driven.skipped)) t.diagnostic(`skipped '${name}': ${why}`)
  const { counts } = driven
  t.diagnostic(
    `${driven.steps} faults, ${counts.requests} requests: ${counts.resets} resets, ` +
      `${counts.refusals} refusals, ${counts.timeouts} timeouts, ${counts.wrong} wrong`,
  )
  record(`driver-${seed}`, { seed, ...driven })
})
