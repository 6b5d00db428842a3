// A program that runs just before a foreign one: puts the sockets it inherits into LISTEN state, and accepts nothing.
import { spawnSync } from 'node:child_process'
import { fstatSync } from 'node:fs'
import { createServer } from 'node:net'
import { read } from '../process/proc.ts'

/** The first descriptor that systemd's protocol hands over. */
const firstSocket = 3
/** As many as Node's own servers let wait. */
const backlog = 511
/** State 0A in /proc/net/tcp is LISTEN; the flag in /proc/net/unix is __SO_ACCEPTCON. */
const listenState = '0A'
const listenFlag = '00010000'

const fresh = Array.from({ length: Number(process.argv[2]) }, (_, index) => firstSocket + index).filter(
  // A sibling may be accepting there: what follows would change its socket under its feet.
  (fd) => !isListening(fd),
)
const servers = fresh.map((fd) =>
  createServer()
    .once('error', (error) => {
      console.error(`brood: the socket at descriptor ${fd} cannot listen: ${error.message}`)
      process.exit(1)
    })
    .listen({ fd, backlog }),
)
makeBlocking(fresh)
// Listening is done when `listen` returns; accepting would begin with the event loop, which must not be reached. Only an
// error is told later, before the loop waits for anything.
if (servers.every((server) => server.listening)) process.exit(0)

/** Where the system does not tell, sockets are made to listen again, which changes nothing but the length of the queue. */
function isListening(fd: number): boolean {
  const inode = `${fstatSync(fd).ino}`
  const inTable = (table: string, isIt: (fields: string[]) => boolean): boolean =>
    read(`/proc/net/${table}`)
      .split('\n')
      .some((line) => isIt(line.trim().split(/\s+/)))
  return (
    ['tcp', 'tcp6'].some((table) => inTable(table, (f) => f[3] === listenState && f[9] === inode)) ||
    inTable('unix', (f) => f[3] === listenFlag && f[6] === inode)
  )
}

/**
 * Node makes its sockets non-blocking, for everybody who has them; a program that just calls accept() would get EAGAIN,
 * and systemd hands over blocking ones. Node has no fcntl(), but it makes stdin, stdout and stderr of its children blocking.
 */
function makeBlocking(fds: readonly number[]): void {
  for (let at = 0; at < fds.length; at += 3) {
    const [stdin = 'ignore', stdout = 'ignore', stderr = 'ignore'] = fds.slice(at, at + 3)
    spawnSync('/bin/sh', ['-c', ':'], { stdio: [stdin, stdout, stderr] })
  }
}
