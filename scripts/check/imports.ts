// Lists what a source file imports, by its text alone: Biome keeps the form of every import, so no parser is needed.

export interface Import {
  /** What stands between the quotes. */
  from: string
  /** `type` and `typeof import()` leave nothing in the built file. `import { type A }` is static: it leaves `import {}`. */
  kind: 'static' | 'type' | 'import()' | 'require()' | 'typeof import()'
}

/** Strings come first, so that a `//` inside of one isn't taken for a comment. */
const stringsAndComments =
  /("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)|\/\/[^\n]*|\/\*[\s\S]*?\*\//g

const bindings = String.raw`(?:[\w$]+\s*,\s*)?(?:[\w$]+|\*(?:\s+as\s+[\w$]+)?|\{[^}]*\})\s*from\s*`
const statement = new RegExp(
  String.raw`^[ \t]*(?:import|export)\b\s*(?<type>type\b)?\s*(?:${bindings})?(?<quote>['"])(?<from>[^'"\n]+)\k<quote>`,
  'gm',
)
const call =
  /(?<query>\btypeof\s+)?\b(?<name>import|require)\s*\(\s*(?<quote>['"`])(?<from>[^'"`\n]+)\k<quote>/g

export function importsOf(source: string): Import[] {
  const code = source.replace(stringsAndComments, (_, string: string | undefined) => string ?? ' ')
  const statements = [...code.matchAll(statement)].map(({ groups }): Import => {
    return { from: groups?.from ?? '', kind: groups?.type ? 'type' : 'static' }
  })
  const calls = [...code.matchAll(call)].map(({ groups }): Import => {
    const kind = groups?.name === 'require' ? 'require()' : groups?.query ? 'typeof import()' : 'import()'
    return { from: groups?.from ?? '', kind }
  })
  return [...statements, ...calls]
}
