// Prints how it was started, in JSON, then does what its first argument says: exit with a code, stay, or stay unmoved by SIGTERM.
import { writeFileSync } from 'node:fs'

const [what = 'exit', code = '0'] = process.argv.slice(2)
if (what === 'stubborn') process.on('SIGTERM', () => {})
if (what !== 'exit') setInterval(() => {}, 1_000_000)
console.error('to stderr')
console.log(JSON.stringify({ args: process.argv.slice(2), cwd: process.cwd(), color: process.env.COLOR }))
if (what === 'exit') process.exitCode = Number(code)
if (process.env.BROOD_TEST_FOLDER) writeFileSync(`${process.env.BROOD_TEST_FOLDER}/ready`, '')
