// Says "no such app" where no supervisor runs at all: for whoever names an app, that is what it comes to.
import { BroodError } from '../kernel/errors.ts'

export async function callForApp<T>(target: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    if (!(error instanceof BroodError) || error.code !== 'no_supervisor') throw error
    const what = target === 'all' ? 'there are no apps' : `no app is named '${target}'`
    throw new BroodError('no_such_app', `${what}: ${error.message}`, { cause: error })
  }
}
