// Makes a check of a program in node_modules: its output is the finding when it ends with another code than 0.
import { execFile } from 'node:child_process'
import path from 'node:path'

export function tool(script: string, ...args: string[]) {
  return (root: string): Promise<string[]> => {
    const file = path.join(root, 'node_modules', script)
    const options = { cwd: root, maxBuffer: 64 * 1024 * 1024 }
    return new Promise((resolve) => {
      execFile(process.execPath, [file, ...args], options, (error, stdout, stderr) => {
        const output = [stdout, stderr].map((text) => text.trim()).filter(Boolean)
        // A program that fails without a word must not pass.
        resolve(error === null ? [] : [...output, `(${path.basename(script)} ended with ${error.code})`])
      })
    })
  }
}
