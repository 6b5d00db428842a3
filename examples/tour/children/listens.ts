// Talks with its parent by Node's own means: `process.on('message')`, `process.send` and `process.on('disconnect')`.
process.on('message', (message: string | { count: number }) => {
  if (typeof message === 'string') {
    process.send?.(`you said: ${message}`)
  } else {
    message.count += 1
    process.send?.(message)
  }
})
process.on('disconnect', () => console.log('child: the channel is closed, and nothing keeps me'))
process.send?.('hello parent')
