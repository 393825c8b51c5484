import { environmentOf } from '../../../lvm/command-runner.ts'
import type { ShellStart } from '../../../lvm/lvm-shell.ts'

/**
 * In place of a shell of lvm, where that cannot be made to fail so. test/node/lvm/resident-lvm.test.ts has the real one.
 */
export const shellOf = (script: string): ShellStart => ({
  ...{ file: 'sh', args: ['-c', script], env: environmentOf({}) },
})

const answerAbout = (name: string): readonly [string, string, string] => [
  '  {\\n      "report": [ {"vg": [] } ]\\n      ,\\n',
  `      "log": [ {"log_type":"status", "log_object_type":"cmd", "log_object_name":"${name}", `,
  '"log_message":"success", "log_ret_code":"1"} ]\\n  }\\n',
]
const told = (text: string): string => `printf '${text}' >&3`

/** What a script does to answer. */
export const TELLS = {
  whole: told(answerAbout('vgs').join('')),
  inPieces: answerAbout('vgs').map(told).join('; sleep 0.02; '),
  ofAnother: told(answerAbout('lvs').join('')),
} as const
