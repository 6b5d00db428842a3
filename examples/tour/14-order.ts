// Starts children in order, each when the one before is ready, and ends them in the opposite order.
import { type Child, fork } from 'brood/process'

async function start(name: string): Promise<Child> {
  const child = fork(new URL('children/service.ts', import.meta.url), [name], { startTimeout: 10_000 })
  // Started is not ready: only the child itself knows, so it says so.
  for await (const { message } of child.messages()) if (message === 'ready') return child
  throw new Error(`${name} has ended before it was ready`)
}

await using services = new AsyncDisposableStack()
for (const name of ['database', 'cache', 'web']) {
  services.use(await start(name))
  console.log(`${name} is ready`)
}
console.log('all are ready')
// At the end of its block a stack lets go of what was taken last, first; a child is let go of by its stop().
