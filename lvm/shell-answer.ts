import * as v from 'valibot'

/** What a shell of lvm(8) answered to one command. */
export interface ShellAnswer {
  /** As of a process of its own: 0 for success. */
  readonly exitCode: number
  /** Errors and warnings, a line for each. */
  readonly stderr: string
  /** The whole document, the report of the command in it. */
  readonly report: string
}

/** The outermost object closes in a line of its own, and no other does at this depth. */
export const END_OF_ANSWER = '\n  }\n'

/** LVM's own number for success, ECMD_PROCESSED. */
const PROCESSED = 1

const answer = v.object({
  log: v.array(
    v.object({
      log_type: v.string(),
      log_object_type: v.string(),
      log_object_name: v.string(),
      log_message: v.string(),
      log_ret_code: v.pipe(v.string(), v.regex(/^\d{1,3}$/), v.transform(Number)),
    }),
  ),
})

/** The log is the last part of the document. Within a text its name would have its quotes escaped. */
const LOG = '\n      "log": ['

/** The log alone: a report can be large, and whoever asked for it reads it. */
const logOf = (text: string): unknown => {
  const at = text.lastIndexOf(LOG)
  if (at < 0) return undefined
  try {
    return JSON.parse(`{${text.slice(at)}`)
  } catch {
    return undefined
  }
}

/**
 * Reads an answer, lvmreport(7), "Log report": with `report_command_log` and JSON each command ends with a status of
 * its own. Undefined when this is not the whole answer to the command of that name.
 */
export const parseShellAnswer = (text: string, name: string, stderr: string): ShellAnswer | undefined => {
  const parsed = v.safeParse(answer, logOf(text))
  if (!parsed.success) return undefined
  const { log } = parsed.output
  const status = log.findLast((entry) => entry.log_type === 'status' && entry.log_object_type === 'cmd')
  if (status?.log_object_name !== name) return undefined
  const complaints = log.filter(({ log_type: type }) => type === 'error' || type === 'warn')
  return {
    exitCode: status.log_ret_code === PROCESSED ? 0 : status.log_ret_code,
    stderr: [...complaints.map((entry) => `${entry.log_message}\n`), stderr].join(''),
    report: text,
  }
}
