// Does with its channel what its first argument says, and prints when it ends: it must end, or stay, as it would without brood.
import { parent } from '../../../src/process/index.ts'

const acts: Record<string, () => void> = {
  nothing() {},
  'a listener'() {
    process.on('message', () => {})
  },
  'a listener that goes'() {
    const listener = () => {}
    process.on('message', listener)
    setImmediate(() => process.off('message', listener))
  },
  'a disconnect listener'() {
    process.on('disconnect', () => {})
  },
  'a listener, unreferenced'() {
    process.on('message', () => {})
    process.channel?.unref()
  },
  'no listener, referenced'() {
    process.channel?.ref()
  },
  removeAllListeners() {
    process.on('message', () => {})
    process.removeAllListeners('message')
  },
  'an answer'() {
    parent.answer('x', () => {})
  },
  'an answer that goes'() {
    parent.answer('x', () => {})()
  },
  'a reader'() {
    parent.messages().next()
  },
  'a reader that goes'() {
    const messages = parent.messages()
    setImmediate(() => messages.return?.())
  },
  'a request'() {
    parent.request('never answered', null).catch(() => {})
  },
}

process.send?.('up')
acts[process.argv[2] ?? '']?.()
