// What the control API may do: each operation of the contract, brought to the call that performs it.
import type { Handlers } from './control/server.ts'
import { fits } from './event.ts'
import type { Home } from './home.ts'
import { logFiles } from './log-files.ts'
import type { Supervisor } from './supervisor.ts'

export function handlersOf(supervisor: Supervisor, home: Home): Handlers {
  const { apps, commands, history } = supervisor
  return {
    status: () => supervisor.status(),
    list: () => apps.all.map((entry) => apps.report(entry)),
    show: ({ app }) => apps.detail(app),
    served: async ({ app }) => {
      const answers = await Promise.all(apps.select(app).map(({ entry }) => entry.app.served()))
      return answers.flat().toSorted((a, b) => a.slot - b.slot)
    },
    start: ({ spec }) => commands.start(spec),
    reload: ({ target }) => commands.reload(target),
    restart: ({ target }) => commands.restart(target),
    stop: ({ target }) => commands.stop(target),
    delete: ({ target }) => commands.delete(target),
    scale: ({ app, change }) => commands.scale(app, change),
    update: ({ spec, how }) => commands.update(spec, how),
    rollback: ({ app }) => commands.rollback(app),
    signal: ({ target, signal }) => ({ reached: commands.signal(target, signal) }),
    logs: ({ target }) =>
      apps.select(target).flatMap(({ entry, slot }) => {
        const { name, maxWorkers, logs } = entry.spec
        if (logs.to === 'inherit') return []
        const slots = slot === undefined ? Array.from({ length: maxWorkers }, (_, index) => index) : [slot]
        return slots.flatMap((index) => logFiles(home, name, index))
      }),
    events: ({ follow, ...query }, write) => {
      const { app } = query
      // Neither there now nor remembered.
      if (app !== undefined && history.query({ app, limit: 1 }).length === 0) apps.get(app)
      for (const event of history.query(query)) write(event)
      return follow ? history.follow((event) => fits(event, query) && write(event)) : undefined
    },
    routes: ({ app }, write) => {
      apps.get(app)
      return apps.routes.follow(app, write)
    },
    upgrade: ({ command }) => supervisor.upgrade(command),
    kill: () => supervisor.kill(),
  }
}
