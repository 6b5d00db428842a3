// UDP sockets bind on their own in a worker: the cluster face must not send them to a primary that does not exist.
const dgram = process.getBuiltinModule('node:dgram')

/** Every `bind` gets `exclusive: true`, which is what Node does outside a cluster. */
export function bindDatagramsExclusively(): void {
  const original = dgram.Socket.prototype.bind
  dgram.Socket.prototype.bind = function (this: InstanceType<typeof dgram.Socket>, ...args: unknown[]) {
    const [first, second] = args
    const callback = args.find((argument) => typeof argument === 'function') as (() => void) | undefined
    const options =
      typeof first === 'object' && first !== null
        ? { ...first, exclusive: true }
        : {
            ...(typeof first === 'number' || typeof first === 'string' ? { port: Number(first) } : {}),
            ...(typeof second === 'string' ? { address: second } : {}),
            exclusive: true,
          }
    return original.call(this, options, callback)
  }
}
