// Linux's /proc, where processes come and go and other users' are closed: what cannot be read is empty, not an error.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** Every process of the system; none where there is no /proc. */
export function processes(): number[] {
  return list('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
}

/** Latin-1, because environments and command lines are bytes of any kind. */
export function read(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}

export function list(path: string): string[] {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}

export function link(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}

/** The fields of /proc/<pid>/stat after the program's name, which may hold spaces: state, parent, process group, … */
export function statFields(pid: number): string[] {
  return fieldsOf(read(`/proc/${pid}/stat`))
}

/** The same of its main thread alone. */
export function taskFields(pid: number): string[] {
  return fieldsOf(read(`/proc/${pid}/task/${pid}/stat`))
}

function fieldsOf(stat: string): string[] {
  return stat === '' ? [] : stat.slice(stat.lastIndexOf(')') + 2).split(' ')
}
