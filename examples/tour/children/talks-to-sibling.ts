// As 'reader' it sends words to its sibling, as 'counter' it counts the letters of those it is sent.
import { parent, peer } from 'brood/process'

if (process.argv[2] === 'reader') {
  await using counter = await peer<number, string>('counter')
  const answers = counter.messages()
  for (const word of ['one', 'three', 'seven']) {
    await counter.send(word)
    await parent.send(`${word} has ${(await answers.next()).value} letters`)
  }
} else {
  const reader = await peer<string, number>('reader')
  // Ends when the reader has closed the channel.
  for await (const word of reader.messages()) await reader.send(word.length)
}
