// Holds what somebody wrote against its schema; everything that is wrong is told at once, each with its field.
import * as v from 'valibot'
import { isAboutKey } from './keyed.ts'
import { type Finding, type Origin, type Path, refusal } from './origin.ts'

export function checkInput<const Schema extends v.GenericSchema>(
  schema: Schema,
  input: unknown,
  origin: Origin,
): v.InferOutput<Schema> {
  const result = v.safeParse(schema, input)
  if (result.success) return result.output
  // An unknown key is often the reason why another is missing.
  const findings = result.issues.map((issue) => ({
    ...findingOf(issue, []),
    unknown: issue.expected === 'never',
  }))
  throw refusal(
    origin,
    findings.toSorted((a, b) => Number(b.unknown) - Number(a.unknown)),
  )
}

function findingOf(issue: v.BaseIssue<unknown>, outer: Path): Finding {
  // An issue's keys are those of plain objects and lists.
  const path = [...outer, ...(issue.path ?? []).map(({ key }) => key as string | number)]
  // Of several forms the value has none. Where it is an object, the form with keys was meant.
  const inner =
    issue.issues?.find((one) => one.expected === 'never') ??
    issue.issues?.find((one) => one.path !== undefined)
  if (inner !== undefined) return findingOf(inner, path)
  const shown = !isAboutKey(issue) && !(typeof issue.input === 'object' && issue.input !== null)
  return shown ? { path, value: issue.input, says: issue.message } : { path, says: withColon(issue) }
}

/** Advice for a whole object or list stands right after the field; about a key it is a sentence already. */
function withColon(issue: v.BaseIssue<unknown>): string {
  return isAboutKey(issue) || /^(needs|is) /.test(issue.message)
    ? issue.message
    : `cannot be this: ${issue.message}`
}
