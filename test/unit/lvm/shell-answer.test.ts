import { expect } from 'chai'

import { END_OF_ANSWER, parseShellAnswer } from '../../../lvm/shell-answer.ts'

type Entry = Readonly<Record<string, string>>

const entry = (type: string, message: string, other: Entry = {}): Entry => ({
  ...{
    log_type: type,
    log_object_type: 'vg',
    log_object_name: 'vg1',
    log_message: message,
    log_ret_code: '0',
  },
  ...other,
})
const status = (code: string, name = 'lvcreate'): Entry =>
  entry('status', code === '1' ? 'success' : 'failure', {
    ...{ log_object_type: 'cmd', log_object_name: name, log_ret_code: code },
  })
/** As LVM lays it out: the outermost object is two spaces deep. */
const text = (log: readonly Entry[]): string => `  {\n      "log": ${JSON.stringify(log)}\n  }\n`

describe('shell answer', () => {
  it('ends as LVM ends it', () => {
    expect(text([]).endsWith(END_OF_ANSWER)).to.equal(true)
  })

  it('has the status of its command, and what LVM complained about', () => {
    const log = [entry('warn', 'careful'), entry('print', 'made'), entry('error', 'no room'), status('5')]
    const answer = parseShellAnswer(text(log), 'lvcreate', 'raw\n')
    expect(answer).to.include({ exitCode: 5, stderr: 'careful\nno room\nraw\n', report: text(log) })
  })

  it('is a success when LVM says that it has processed it', () => {
    expect(parseShellAnswer(text([status('1')]), 'lvcreate', '')).to.include({ exitCode: 0 })
  })

  for (const [what, answer] of [
    ['not JSON', '  {\n      "log": [\n  }\n'],
    ['without a log', '  {\n      "report": []\n  }\n'],
    ['without a status', text([entry('print', 'made')])],
    ['with the status of something that was processed on the way', text([entry('status', 'success')])],
    ['about another command', text([status('1', 'lvremove')])],
    ['with a status that is no number', text([status('x')])],
  ] as const)
    it(`is none when it is ${what}`, () => {
      expect(parseShellAnswer(answer, 'lvcreate', '')).to.equal(undefined)
    })
})
