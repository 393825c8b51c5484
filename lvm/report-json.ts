import * as v from 'valibot'

import { CommandFailed } from './errors.ts'

/** Reads a report of LVM. @throws CommandFailed: one that is not understood whole says nothing at all. */
export const parseReportJson = <T>(schema: v.GenericSchema<unknown, T>, text: string, what: string): T => {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw new CommandFailed(what, `the report is not JSON; it starts ${JSON.stringify(text.slice(0, 200))}`, {
      cause,
    })
  }
  const result = v.safeParse(schema, json)
  if (result.success) return result.output
  const issues = result.issues.slice(0, 3).map((issue) => `${v.getDotPath(issue) ?? ''}: ${issue.message}`)
  throw new CommandFailed(what, `the report has unexpected content: ${issues.join('; ')}`)
}
