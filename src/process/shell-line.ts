// Builds a shell line from a tagged template: what the program wrote is shell, every value is one quoted word.
import { BroodError } from '../kernel/errors.ts'

/** One word, or with an array as many words as it has elements. */
export type ShellValue = string | number | readonly (string | number)[]

/**
 * Throws `usage` for a value that cannot be a word (not a text or finite number, or with a NUL character), and for one in
 * a place where quotes would not hold it.
 */
export function shellLine(literals: readonly (string | undefined)[], values: readonly unknown[]): string {
  let place: Place = { at: 'word' }
  return literals.reduce<string>((line, literal, index) => {
    place = scan(place, wellFormed(literal), index > 0)
    if (index === values.length) return line + wellFormed(literal)
    const problem = problemAt(place)
    if (problem !== undefined) throw new BroodError('usage', `exec: value ${index + 1} ${problem}`)
    return line + wellFormed(literal) + quoteValue(values[index], index)
  }, '')
}

/** In single quotes nothing is special but the single quote itself. */
export function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`
}

/** JavaScript gives undefined for a part with an escape that it does not know. */
function wellFormed(literal: string | undefined): string {
  if (literal !== undefined) return literal
  throw new BroodError(
    'usage',
    'exec: the template has an invalid escape: double the backslashes that are for the shell',
  )
}

function quoteValue(value: unknown, index: number): string {
  const words: readonly unknown[] = Array.isArray(value) ? value : [value]
  return words.map((word) => quote(wordOf(word, index))).join(' ')
}

function wordOf(value: unknown, index: number): string {
  if (typeof value === 'number' && Number.isFinite(value)) return String(value)
  if (typeof value !== 'string') {
    throw new BroodError(
      'usage',
      `exec: value ${index + 1} is not a text, a finite number or an array of these`,
    )
  }
  if (value.includes('\0')) {
    throw new BroodError('usage', `exec: value ${index + 1} has a NUL character, which no argument can hold`)
  }
  return value
}

/** Where in the shell's syntax a value would stand. */
type Place =
  | { readonly at: 'word' }
  | { readonly at: 'single' | 'double' | 'braces' | 'comment' }
  /** The next character loses its meaning; then the same place goes on. */
  | { readonly at: 'escape'; readonly back: Place }
  /** After `$`, which gives quotes another meaning in some shells. */
  | { readonly at: 'dollar' }
  /** Syntax within syntax: what quotes mean there cannot be told without a whole shell. */
  | { readonly at: 'nested'; readonly what: string }

function problemAt(place: Place): string | undefined {
  switch (place.at) {
    case 'word':
      return undefined
    case 'single':
    case 'double':
      return 'stands in quotes: take them away, values are quoted already'
    case 'comment':
      return 'stands in a comment'
    case 'escape':
      return 'comes after a backslash, which would undo its quotes'
    case 'dollar':
      return 'comes after a $, which would change the meaning of its quotes'
    case 'braces':
      return `stands in \${…}: ${elsewhere}`
    case 'nested':
      return `comes after ${place.what}: ${elsewhere}`
  }
}

const elsewhere = 'pass it as an environment variable (option env), or build that part in JavaScript'

function scan(start: Place, literal: string, followsValue: boolean): Place {
  let place = start
  for (let index = 0; index < literal.length; index++) {
    // A value is a word's part: `#` behind it begins no comment.
    const before = index > 0 ? (literal[index - 1] ?? '') : followsValue ? 'x' : ''
    place = next(place, literal[index] ?? '', literal[index + 1] ?? '', before)
  }
  return place
}

function next(place: Place, character: string, following: string, before: string): Place {
  switch (place.at) {
    case 'nested':
      return place
    case 'escape':
      return place.back
    case 'single':
      return character === "'" ? { at: 'word' } : place
    case 'comment':
      return character === '\n' ? { at: 'word' } : place
    case 'braces':
      return character === '}'
        ? { at: 'word' }
        : isPlain(character)
          ? place
          : { at: 'nested', what: `a \${…}` }
    case 'double':
      if (character === '\\') return { at: 'escape', back: place }
      if (character === '`' || (character === '$' && (following === '(' || following === '{'))) {
        return { at: 'nested', what: 'a substitution in double quotes' }
      }
      return character === '"' ? { at: 'word' } : place
    case 'dollar':
      if (character === '{') return { at: 'braces' }
      if (character === "'" || character === '"') return { at: 'nested', what: `a $${character}` }
      if (character === '[' || (character === '(' && following === '('))
        return { at: 'nested', what: 'an arithmetic $((' }
      return next({ at: 'word' }, character, following, before)
    case 'word':
      return nextInWord(character, following, before)
  }
}

function nextInWord(character: string, following: string, before: string): Place {
  const word: Place = { at: 'word' }
  switch (character) {
    case '\\':
      return { at: 'escape', back: word }
    case "'":
      return { at: 'single' }
    case '"':
      return { at: 'double' }
    case '$':
      return { at: 'dollar' }
    case '`':
      return { at: 'nested', what: 'a backquote (write $(…) instead)' }
    case '<':
      return following === '<' ? { at: 'nested', what: 'a here-document' } : word
    case '(':
      return following === '(' ? { at: 'nested', what: 'an arithmetic ((' } : word
    case '#':
      return /[\s;&|()<>]|^$/.test(before) ? { at: 'comment' } : word
    default:
      return word
  }
}

/** What a variable's name and the simple operators on it are made of. */
function isPlain(character: string): boolean {
  return /[\w:#%/*?.,@!+=-]/.test(character)
}
