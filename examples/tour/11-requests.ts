// Questions with answers over the same channel: typed, with errors that come back, a time limit, and in both directions.
import { BroodError, fork, HandlerError } from 'brood/process'
import type { Thumbnails } from './children/thumbnails.ts'

await using child = fork<Thumbnails>(new URL('children/thumbnails.ts', import.meta.url))
child.answer('quality', (format) => (format === 'jpeg' ? 80 : 100))

// Many at a time: each answer finds its question.
const [cat, dog] = await Promise.all([
  child.request('resize', 'cat.png'),
  child.request('resize', 'dog.jpeg'),
])
console.log(cat)
console.log(dog)

try {
  await child.request('resize', 'notes.txt')
} catch (error) {
  if (!(error instanceof HandlerError)) throw error
  console.log('the handler threw', error.remote.name, error.remote.message)
}

try {
  await child.request('dream', undefined, { timeout: 100 })
} catch (error) {
  if (!(error instanceof BroodError)) throw error
  console.log(error.code)
}
