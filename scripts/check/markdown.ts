// Reads from a Markdown text what the docs check needs: its headings and its links.

/** The text of every heading, with the backticks it has. */
export function headingsOf(markdown: string): string[] {
  return [...withoutCodeBlocks(markdown).matchAll(/^#{1,6}\s+(.+?)\s*#*$/gm)].map((match) => match[1] ?? '')
}

/** Every link into the repository, as written but without `#section` and `?query`. */
export function relativeLinksOf(markdown: string): string[] {
  const text = withoutCodeBlocks(markdown).replace(/`[^`\n]*`/g, '')
  const inline = text.matchAll(/\]\(\s*<?([^)\s>]+)>?[^)]*\)/g)
  const references = text.matchAll(/^ {0,3}\[[^\]]+\]:\s*<?([^\s>]+)/gm)
  const html = text.matchAll(/<(?:a|img|source)\b[^>]*\b(?:href|src|srcset)="([^"\s]+)/g)
  return [...inline, ...references, ...html]
    .map((match) => match[1] ?? '')
    .filter((target) => !/^(?:[a-z][a-z+.-]*:|\/\/|#)/i.test(target))
    .map((target) => decodeURIComponent(target.replace(/[?#].*$/, '')))
}

function withoutCodeBlocks(markdown: string) {
  return markdown.replace(/^ {0,3}(```+|~~~+)[\s\S]*?^ {0,3}\1/gm, '')
}
