// Shows on a terminal what is being measured, in one line that is replaced; elsewhere stays silent.

export function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`)
}
