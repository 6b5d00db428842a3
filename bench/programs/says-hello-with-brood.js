// The same as says-hello.js through brood/process.
import { parent } from '../../dist/process/index.js'

const { user, system } = process.cpuUsage()
parent.send(user + system)
