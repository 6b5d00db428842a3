// Listeners and their accept queues, read from text that a kernel once gave, and from this one's.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import { suite, test } from 'node:test'
import { ListenerTable, listenersNow, tcpListeners } from '../../src/process/tcp-listeners.ts'

const bounded = { timeout: 20_000 }
const onLinux = { ...bounded, skip: process.platform !== 'linux' }

/** As Linux 6.18 writes it, other numbers put in: three listeners, twelve connections wait for one, then other sockets. */
const recorded = `\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode                                                     
   0: 0100007F:9DF9 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 129331 1 0000000000000000 100 0 0 10 0                    
   1: 00000000:0BB8 00000000:0000 0A 00000000:0000000C 00:00000000 00000000  1000        0 4294967295 2 0000000000000000 100 0 0 10 0                
   2: 00000000:0BB8 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 129337 2 0000000000000000 100 0 0 10 0                    
   3: 0100007F:C6C4 0100007F:0BB8 06 00000000:00000000 03:000016F2 00000000     0        0 0 3 0000000000000000                                      
   4: 0100007F:0BB8 0100007F:D2E0 01 00000000:00000000 00:00000000 00000000  1000        0 129999 1 0000000000000000 20 4 30 10 -1                   
`
const listeners = [
  { inode: 129_331, port: 40_441, waiting: 0 },
  { inode: 4_294_967_295, port: 3000, waiting: 12 },
  { inode: 129_337, port: 3000, waiting: 0 },
]

suite('the table of sockets', () => {
  test('is read to the last listener, however it is cut', bounded, () => {
    for (const length of [1, 7, 64, 150, 151, 512, recorded.length]) {
      const table = new ListenerTable()
      let read = 0
      while (read < recorded.length && table.push(recorded.slice(read, read + length))) read += length
      assert.deepEqual(table.listeners, listeners, `pieces of ${length}`)
    }
  })

  test('is not read further than the first line that is none', bounded, () => {
    const lines = recorded.split(/(?<=\n)/)
    const table = new ListenerTable()
    assert.deepEqual(
      lines.map((line) => table.push(line)),
      [true, true, true, true, false, false],
    )
    assert.deepEqual(table.listeners, listeners)
  })

  test('of IPv6 tells the same', bounded, () => {
    const table = new ListenerTable()
    table.push(
      '   0: 00000000000000000000000000000000:1F90 00000000000000000000000000000000:0000 0A 00000000:00000003 00:00000000 00000000     0        0 73061 1 0000000000000000 100 0 0 10 0\n',
    )
    assert.deepEqual(table.listeners, [{ inode: 73_061, port: 8080, waiting: 3 }])
  })

  test('without a socket has no listener', bounded, () => {
    const table = new ListenerTable()
    assert.ok(table.push(recorded.slice(0, recorded.indexOf('\n') + 1)))
    assert.ok(table.push(''))
    assert.deepEqual(table.listeners, [])
  })
})

test('this system’s table has a server of this process, both ways of reading', onLinux, async (t) => {
  for (const host of ['127.0.0.1', '::1']) {
    const server = net.createServer().listen(0, host)
    t.after(() => server.close())
    await once(server, 'listening')
    const address = server.address()
    assert.ok(typeof address === 'object' && address !== null)
    const { port } = address
    const own = (one: { port: number; waiting: number }) => one.port === port && one.waiting === 0
    assert.equal(listenersNow().filter(own).length, 1, host)
    const later = await tcpListeners(AbortSignal.timeout(10_000))
    assert.equal(later?.filter(own).length, 1, host)
  }
})

test('who has no time is told nothing', bounded, async () => {
  assert.equal(await tcpListeners(AbortSignal.abort()), undefined)
})
