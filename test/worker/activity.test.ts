// A worker tells that connections come in once, however many they are, and once that they have ended.
import assert from 'node:assert/strict'
import http from 'node:http'
import http2 from 'node:http2'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { Activity } from '../../src/worker/activity.ts'

test('is told when the first connection comes and when none has come for a while', {
  timeout: 10_000,
}, (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const told: string[] = []
  const activity = new Activity((word) => told.push(word))
  const [one, other] = [createServer(), createServer()]
  activity.watch(one)
  activity.watch(other)
  for (let turn = 0; turn < 5000; turn++) {
    if (turn % 10 === 0) t.mock.timers.tick(10)
    one.emit('connection')
    other.emit('connection')
  }
  assert.deepEqual(told, ['busy'])
  assert.equal(one.listenerCount('connection') + other.listenerCount('connection'), 0, 'most pass unheard')
  t.mock.timers.tick(2000)
  assert.deepEqual(told, ['busy', 'quiet'])
  t.mock.timers.tick(60_000)
  activity.repeat()
  assert.deepEqual(told, ['busy', 'quiet'])
  other.emit('connection')
  activity.repeat()
  assert.deepEqual(told, ['busy', 'quiet', 'busy', 'busy'], 'another supervisor is told again')
})

test('is told of requests on connections that are kept, and puts no listener on those of HTTP/2', {
  timeout: 10_000,
}, (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const told: string[] = []
  const activity = new Activity((word) => told.push(word))
  const [server, streams] = [http.createServer(), http2.createServer()]
  activity.watch(server)
  activity.watch(streams)
  assert.equal(streams.listenerCount('request'), 0)
  server.emit('request')
  assert.deepEqual(told, ['busy'])
  assert.equal(server.listenerCount('request'), 0, 'most pass unheard')
  for (let second = 0; second < 5; second++) {
    t.mock.timers.tick(1000)
    server.emit('request')
  }
  assert.deepEqual(told, ['busy'])
  t.mock.timers.tick(2000)
  assert.deepEqual(told, ['busy', 'quiet'])
})
