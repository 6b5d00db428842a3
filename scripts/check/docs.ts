// Holds documentation and code together: error codes, commands, keys of configuration files, links, and the list of decisions.
import { access, readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { configRowsOf, configSchema, keysOf } from './config-keys.ts'
import { headingsOf, relativeLinksOf } from './markdown.ts'

const paths = {
  errors: 'src/kernel/errors.ts',
  commands: 'src/cli/commands',
  errorDocs: 'docs/reference/errors.md',
  commandDocs: 'docs/reference/cli.md',
  config: 'src/config/config-input.ts',
  configDocs: 'docs/reference/config.md',
  decisions: 'docs/decisions',
}

export async function checkDocs(root: string): Promise<string[]> {
  const checks = [errorCodes(root), commands(root), configKeys(root), links(root), decisions(root)]
  return (await Promise.all(checks)).flat()
}

async function errorCodes(root: string): Promise<string[]> {
  // Not at the top of this file: when errors.ts is broken, the other checks still have their say.
  const { errorCodes } = await import('../../src/kernel/errors.ts')
  const markdown = await text(root, paths.errorDocs)
  if (markdown === undefined) return [missing(paths.errorDocs, 'a heading "## `code`" for every error code')]
  return compareErrorCodes(Object.keys(errorCodes), markdown)
}

export function compareErrorCodes(codes: string[], markdown: string): string[] {
  const documented = headingsOf(markdown).flatMap((heading) => /^`(\w+)`$/.exec(heading)?.[1] ?? [])
  return differences(codes, documented, {
    undocumented: (code) => `${paths.errorDocs} lacks the error code ${code}: add a heading "## \`${code}\`"`,
    unknown: (code) => `${paths.errorDocs} documents ${code}, which isn’t in errorCodes of ${paths.errors}`,
  })
}

async function commands(root: string): Promise<string[]> {
  const [files, markdown] = await Promise.all([list(root, paths.commands), text(root, paths.commandDocs)])
  if (files === undefined) return [missing(paths.commands, 'a file for every command')]
  if (markdown === undefined)
    return [missing(paths.commandDocs, 'a heading "## `brood name`" for every command')]
  return compareCommands(files, markdown)
}

export function compareCommands(files: string[], markdown: string): string[] {
  // index.ts is the list of the commands, not one of them.
  const names = files
    .filter((file) => file.endsWith('.ts') && file !== 'index.ts')
    .map((file) => file.slice(0, -3))
  const documented = headingsOf(markdown).flatMap(
    (heading) => /^`?brood ([a-z][\w-]*)/.exec(heading)?.[1] ?? [],
  )
  return differences(names, documented, {
    undocumented: (name) =>
      `${paths.commandDocs} lacks the command ${name}: add a heading "## \`brood ${name}\`"`,
    unknown: (name) =>
      `${paths.commandDocs} documents brood ${name}, but there is no ${paths.commands}/${name}.ts`,
  })
}

async function configKeys(root: string): Promise<string[]> {
  const markdown = await text(root, paths.configDocs)
  if (markdown === undefined) return [missing(paths.configDocs, 'a table row for every key')]
  return compareConfigKeys(
    keysOf(configSchema()).map(([key]) => key),
    markdown,
  )
}

export function compareConfigKeys(keys: string[], markdown: string): string[] {
  return differences([...new Set(keys)], [...configRowsOf(markdown).keys()], {
    undocumented: (key) => `${paths.configDocs} lacks the key ${key}: add a row "| \`${key}\` | …"`,
    unknown: (key) => `${paths.configDocs} documents ${key}, which isn’t in the schema of ${paths.config}`,
  })
}

async function links(root: string): Promise<string[]> {
  const pages = ['README.md', 'CONTRIBUTING.md', ...(await markdownBelow(root, 'docs'))]
  const findings = pages.map(async (page) => {
    const markdown = await text(root, page)
    if (markdown === undefined)
      return [missing(page, 'it is one of the two pages that everybody opens first')]
    const targets = relativeLinksOf(markdown)
    const broken = await Promise.all(targets.map(async (target) => !(await resolves(root, page, target))))
    return targets
      .filter((_, index) => broken[index])
      .map((target) => `${page} links to ${target}, which isn’t in the repository`)
  })
  return (await Promise.all(findings)).flat()
}

async function decisions(root: string): Promise<string[]> {
  const [files, markdown] = await Promise.all([
    list(root, paths.decisions),
    text(root, `${paths.decisions}/README.md`),
  ])
  if (files === undefined || markdown === undefined) {
    return [missing(`${paths.decisions}/README.md`, 'a list that links to every decision')]
  }
  return unlistedDecisions(files, markdown)
}

export function unlistedDecisions(files: string[], markdown: string): string[] {
  const listed = relativeLinksOf(markdown).map((target) => path.posix.normalize(target))
  return files
    .filter((file) => file.endsWith('.md') && file !== 'README.md' && !listed.includes(file))
    .map((file) => `${paths.decisions}/README.md doesn’t list ${file}: add a line that links to it`)
}

interface Messages {
  undocumented(name: string): string
  unknown(name: string): string
}

function differences(inCode: string[], documented: string[], messages: Messages): string[] {
  const undocumented = inCode.filter((name) => !documented.includes(name))
  const unknown = [...new Set(documented)].filter((name) => !inCode.includes(name))
  return [...undocumented.map(messages.undocumented), ...unknown.map(messages.unknown)]
}

/** A link that leaves the repository works only on the machine of the one who wrote it. */
async function resolves(root: string, page: string, target: string): Promise<boolean> {
  const file = path.posix.join(path.posix.dirname(page), target)
  return !file.startsWith('..') && !target.startsWith('/') && (await exists(path.join(root, file)))
}

async function markdownBelow(root: string, folder: string): Promise<string[]> {
  const entries = (await exists(path.join(root, folder)))
    ? await readdir(path.join(root, folder), { recursive: true })
    : []
  return entries.filter((entry) => entry.endsWith('.md')).map((entry) => `${folder}/${entry}`)
}

async function list(root: string, folder: string): Promise<string[] | undefined> {
  return (await exists(path.join(root, folder))) ? readdir(path.join(root, folder)) : undefined
}

async function text(root: string, file: string): Promise<string | undefined> {
  return (await exists(path.join(root, file))) ? readFile(path.join(root, file), 'utf8') : undefined
}

function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  )
}

function missing(file: string, what: string): string {
  return `${file} is missing: it must be there, ${what}`
}
