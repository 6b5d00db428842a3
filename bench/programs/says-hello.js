// The smallest child that sends a message: the processor time it has used, in microseconds.
const { user, system } = process.cpuUsage()
process.send?.(user + system)
