// Loaded into a cluster's workers when there is more to do than Node's own half does: counting connections, outliving the primary.
import { subscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { forgetPreload } from '../kernel/preload.ts'
import { type LoadReport, loadCommand } from './load-report.ts'
import { type PreloadTasks, preloadVariable } from './preload-tasks.ts'

forgetPreload(fileURLToPath(import.meta.url))
const tasks = takeTasks()
if (tasks.countConnections) countConnections()
if (tasks.outlivePrimary) outlivePrimary()

function takeTasks(): PreloadTasks {
  const text = process.env[preloadVariable]
  delete process.env[preloadVariable] // not for the children of the worker
  return text === undefined ? {} : JSON.parse(text)
}

/** Tells the primary after each turn of the loop in which a connection came or went. */
function countConnections(): void {
  let open = 0
  let taken = 0
  let due = false
  const tell = (): void => {
    if (due) return
    due = true
    setImmediate(() => {
      due = false
      const report: LoadReport = { cmd: loadCommand, open, taken }
      if (process.connected) process.send?.(report)
    })
  }
  subscribe('net.server.socket', (message) => {
    const { socket } = message as { socket: Socket } // as Node documents the channel
    open++
    taken++
    tell()
    socket.once('close', () => {
      open--
      tell()
    })
  })
}

/**
 * A worker ends when its primary is suddenly gone, unless its disconnect was meant. With a listening socket of its own
 * (SCHED_NONE, SCHED_SLOTS) it can go on serving.
 */
function outlivePrimary(): void {
  process.prependOnceListener('disconnect', () => {
    const { worker } = process.getBuiltinModule('node:cluster')
    if (worker !== undefined) worker.exitedAfterDisconnect = true
  })
}
