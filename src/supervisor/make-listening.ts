// A program that runs just before a foreign one: puts the sockets it inherits into LISTEN state, and accepts nothing.
import { spawnSync } from 'node:child_process'
import { fstatSync } from 'node:fs'
import { createServer } from 'node:net'
import { read } from '../process/proc.ts'
import { listenersNow } from '../process/tcp-listeners.ts'

/** The first descriptor that systemd's protocol hands over. */
const firstSocket = 3
/** As many as Node's own servers let wait. */
const backlog = 511
/** The flag in /proc/net/unix is __SO_ACCEPTCON. */
const listenFlag = '00010000'

const tcp = new Set(listenersNow().map(({ inode }) => inode))
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
  const { ino } = fstatSync(fd)
  if (tcp.has(ino)) return true
  return read('/proc/net/unix')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .some((fields) => fields[3] === listenFlag && fields[6] === `${ino}`)
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
