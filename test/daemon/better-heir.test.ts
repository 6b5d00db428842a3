// A worker is a better heir when it serves on a socket that the supervisor lacks, and has all that the supervisor has.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isBetterHeir, staleOf } from '../../src/daemon/better-heir.ts'
import type { BackMessage, KeptPlace } from '../../src/wire/messages.ts'

const key = 'tcp *:3000'

function back(more: Partial<BackMessage>): BackMessage {
  return {
    type: 'back',
    wire: 1,
    token: '',
    app: 'web',
    slot: 2,
    worker: 2,
    release: 1,
    pid: 1,
    phase: 'ready',
    listening: [key],
    adopted: [],
    held: [],
    ...more,
  }
}

const place = (slot: number, app = 'web'): KeptPlace => ({ app, key, slot })
const held = (slot: number, inode: number, app = 'web') => ({ ...place(slot, app), inode })

describe('a better heir', () => {
  const whole = [held(0, 10), held(1, 11), held(2, 12)]
  /** What the supervisor has in each slot. */
  const inodes = [10, 11, 99]
  const inodeAt = ({ slot }: KeptPlace): number | undefined => inodes[slot]
  const kept = [place(0), place(1), place(2)]
  const isBetter = (message: BackMessage, all: readonly KeptPlace[] = kept): boolean =>
    isBetterHeir(message, staleOf(message, inodeAt), all)

  const cases: readonly [string, boolean, BackMessage, KeptPlace[]?][] = [
    ['serves its own slot on another socket', true, back({ held: whole })],
    ['has the same sockets', false, back({ held: [held(0, 10), held(1, 11), held(2, 99)] })],
    ['keeps another socket on which it does not serve', false, back({ slot: 0, held: whole })],
    ['serves on it for another slot', true, back({ slot: 0, adopted: [{ key, slot: 2 }], held: whole })],
    ['serves nobody, since it drains', false, back({ phase: 'draining', listening: [], held: whole })],
    [
      'is about to serve its own slot on another socket',
      true,
      back({ phase: 'starting', listening: [], held: whole }),
    ],
    ['lacks one that the supervisor has', false, back({ held: [held(0, 10), held(2, 12)] })],
    ['lacks the socket of another app', false, back({ held: whole }), [...kept, place(0, 'other')]],
    [
      'serves a shared address on another socket, whatever its slot',
      true,
      back({ held: [held(0, 12)] }),
      [place(0)],
    ],
  ]
  for (const [name, expected, message, all] of cases) {
    test(`${expected ? 'is' : 'is not'} one that ${name}`, () =>
      assert.equal(isBetter(message, all), expected))
  }
})
