// Listens for messages in Node's own way, and only after a while: must get all of its own, and none of brood's.
import { parent } from '../../../src/process/index.ts'

parent.answer('begin', () => {
  const heard: unknown[] = []
  process.on('message', (message) => {
    heard.push(message)
    if (message === 'last') {
      parent.send(heard).then(() => process.disconnect?.())
    }
  })
})
