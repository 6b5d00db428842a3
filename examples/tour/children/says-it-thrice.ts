// Says its word on stdout, on stderr, and as a message.
console.log('the child')
console.error('the child')
process.send?.('the child')
