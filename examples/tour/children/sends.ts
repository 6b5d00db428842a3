// Prints a line that may go nowhere, and sends two messages. Node's own `process.send` is all it needs.
console.log('whoever reads this has not ignored my stdout')
process.send?.('ok')
process.send?.({ cpu: 'busy', memory: [1, 2, 3] })
