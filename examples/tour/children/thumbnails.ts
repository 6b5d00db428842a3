// Answers requests of its parent, and asks it something in turn. The types of the conversation are here for both.
import { type Protocol, parentAs } from 'brood/process'

export interface Thumbnails extends Protocol {
  childAnswers: {
    resize(file: string): string
    /** Takes for ever. */
    dream(): void
  }
  parentAnswers: { quality(format: string): number }
}

const parent = parentAs<Thumbnails>()

parent.answer('resize', async (file) => {
  const format = file.split('.').at(-1) ?? ''
  if (format === 'txt') throw new TypeError(`${file} is no picture`)
  return `${file} at ${await parent.request('quality', format)} %`
})
parent.answer(
  'dream',
  (_, { signal }) => new Promise((resolve) => signal.addEventListener('abort', () => resolve())),
)
