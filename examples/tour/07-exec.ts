// Runs a command to its end: exec with a shell, execFile without one, and what a value can do in each.
import { BroodError, exec, execFile } from 'brood/process'

const { execPath, version } = process
const cwd = new URL('children/', import.meta.url)

// The same question twice. A value in the template becomes one word, whatever is in it.
console.log('exec gives the version:', (await exec`${execPath} -v`).stdout.trim() === version)
console.log('execFile too:', (await execFile(execPath, ['-v'])).stdout.trim() === version)

// A shell knows patterns, pipes and redirections …
console.log('a shell counts', (await exec({ cwd })`ls http-*.ts | wc -l`).stdout.trim())
// … without one they are letters like any other.
console.log('without:', (await execFile('echo', ['http-*.ts', '|', 'wc', '-l'], { cwd })).stdout.trim())

// So what a user has typed cannot become a command, in neither of them.
const typed = "'; echo you are hacked; $(whoami) #"
console.log('exec:', (await exec`echo ${typed}`).stdout.trim())
console.log('execFile:', (await execFile('echo', [typed])).stdout.trim())

// A line that was put together from pieces is where it goes wrong: it must be asked for.
try {
  // @ts-expect-error: the compiler sees it before anybody runs it
  await exec(`echo ${typed}`)
} catch (error) {
  if (!(error instanceof BroodError)) throw error
  console.log('refused:', error.message)
}
console.log('wished for:', (await exec('echo $((6 * 7))', { shell: true })).stdout.trim())
