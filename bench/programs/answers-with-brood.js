// The same as answers-bare.js through brood/process.
import { parent } from '../../dist/process/index.js'

parent.answer('echo', (value) => value)
parent.answer('used', () => {
  const { user, system } = process.cpuUsage()
  return user + system
})
