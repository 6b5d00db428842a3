// Has children print onto its own stdout in the three ways there are to share it.
import { spawn } from '../../../src/process/index.ts'

const echo = (text: string) => ['-c', `echo ${text}`]
await spawn('/bin/sh', echo('whole'), { stdio: 'inherit' }).exit
await spawn('/bin/sh', echo('by number'), { stdio: [0, 1, 2] }).exit
await spawn('/bin/sh', echo('by stream'), { stdio: [process.stdin, process.stdout, process.stderr] }).exit
await spawn('/bin/sh', echo('forked'), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] }).exit
