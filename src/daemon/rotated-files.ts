// The rotated logs in a folder, told by their names; whatever else lies there is not looked at.
import { join } from 'node:path'
import { list } from '../process/proc.ts'
import { parseRotatedName, type RotatedName } from '../wire/log-name.ts'

export interface RotatedFile extends RotatedName {
  readonly path: string
}

/** Those of one app, the oldest first. For a moment a file can be there both plain and compressed: the plain one is first. */
export function rotatedFiles(folder: string, app: string): RotatedFile[] {
  return list(folder)
    .sort()
    .flatMap((name) => {
      const parsed = parseRotatedName(name)
      return parsed?.app === app ? [{ ...parsed, path: join(folder, name) }] : []
    })
    .sort((a, b) => (a.stamp < b.stamp ? -1 : a.stamp > b.stamp ? 1 : 0))
}
