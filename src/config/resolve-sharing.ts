// How an app shares its addresses: who asks for one thing may ask for another by it, and some do not go together.
import type * as v from 'valibot'
import { isSticky } from '../balance/index.ts'
import type { CheckedApp } from './app-input.ts'
import type { appSpec } from './app-spec.ts'
import type { Refuse } from './origin.ts'
import { defaultShareMode } from './share-mode.ts'

type Sharing = Pick<v.InferInput<typeof appSpec>, 'share' | 'balance' | 'rebalance'>

/** Who asks for an algorithm asks for the mode in which there is one to choose. */
export function sharingOf(app: CheckedApp, interpreter: string | undefined, refuse: Refuse): Sharing {
  const { share, balance, rebalance } = app
  const mode = share ?? (balance === undefined ? defaultShareMode : 'balanced')
  if (mode !== 'balanced') {
    if (balance !== undefined)
      throw refuse(['balance'], `is for share 'balanced', not '${mode}': leave one of them out`)
    if (rebalance === true && interpreter !== undefined)
      throw refuse(['rebalance'], 'needs Node programs, which can be sent connections: leave it out')
    return { share: mode, rebalance }
  }
  if (interpreter !== undefined)
    throw refuse(
      share === undefined ? ['balance'] : ['share'],
      "needs Node programs, which can be sent connections: choose 'shared', or leave it out",
      share,
    )
  const { algorithm, weights = [] } =
    typeof balance === 'object' ? balance : { algorithm: balance ?? 'round-robin' }
  if (rebalance === true && isSticky(algorithm))
    throw refuse(
      ['rebalance'],
      `would take clients away from the worker that '${algorithm}' keeps them with: leave one of them out`,
    )
  return { share: mode, balance: { algorithm, weights }, rebalance }
}
