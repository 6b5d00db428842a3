// Lives, and never says a word.
process.on('message', () => {})
