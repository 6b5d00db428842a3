// Names the children that the process benchmark forks.
import { fileURLToPath } from 'node:url'

const program = (name: string) => fileURLToPath(new URL(`../programs/${name}`, import.meta.url))

export const saysHello = program('says-hello.js')
export const saysHelloWithBrood = program('says-hello-with-brood.js')
export const answersBare = program('answers-bare.js')
export const answersWithBrood = program('answers-with-brood.js')
