import { expect } from 'chai'
import fc from 'fast-check'

import { CommandFailed, OutcomeUnknown } from '../../../lvm/errors.ts'
import { LvmShell, shellLine } from '../../../lvm/lvm-shell.ts'
import { eventually } from '../../support/eventually.ts'
import { shellOf, TELLS } from './fake-shell.ts'
import { thrownBy } from './thrown.ts'

/** What readline() and lvm_split() of LVM's tools/lvmcmdline.c make of a text: the words of each line. */
const asLvmSplits = (text: string): string[][] =>
  text
    .split(/[\n\r]/)
    .slice(0, -1)
    .map((line) => {
      const words: string[] = []
      for (let at = 0; at < line.length;) {
        while (/\s/.test(line[at] ?? '')) at += 1
        if (at >= line.length || (words.length === 0 && line[at] === '#')) break
        const quote = /['"]/.test(line[at] ?? '') ? line[at] : undefined
        if (quote !== undefined) at += 1
        const from = at
        while (at < line.length && (quote === undefined ? !/\s/.test(line[at] ?? '') : line[at] !== quote))
          at += 1
        words.push(line.slice(from, at))
        at += 1
      }
      return words
    })

const LINE = shellLine(['vgs', '--options', 'vg_name']) ?? ''

describe('lvm shell', () => {
  const shells: LvmShell[] = []
  const start = (script: string): LvmShell => {
    const shell = new LvmShell(shellOf(script))
    shells.push(shell)
    return shell
  }
  afterEach(() => {
    for (const shell of shells.splice(0)) shell.kill()
  })

  describe('line', () => {
    it('quotes each word, so that LVM takes it whole', () => {
      const words = ['vgs', '--config', 'devices/global_filter=["a|^/dev/sda$|"]', '# !\\']
      expect(shellLine(words)).to.equal(
        `'vgs' '--config' 'devices/global_filter=["a|^/dev/sda$|"]' '# !\\'\n`,
      )
    })

    for (const [what, word] of [
      ['a newline', 'a\nlvremove'],
      ['a carriage return', 'a\rb'],
      ['a quote', "a'b"],
      ['a tab', 'a\tb'],
      ['an escape', 'a\u001bb'],
      ['a letter outside ASCII', 'ä'],
      ['nothing', ''],
    ] as const)
      it(`is none for a word with ${what}`, () => {
        expect(shellLine(['vgs', word])).to.equal(undefined)
      })

    it('is taken apart by LVM into the words that it was made of, whatever they are', () => {
      const plain = fc.string({ minLength: 1 }).map((text) => text.replaceAll("'", '"'))
      const hostile = fc.string({ unit: fc.constantFrom(' ', "'", '"', '\\', '#', '!', '\n', '\t', '|') })
      const word = fc.oneof({ weight: 20, arbitrary: plain }, hostile, fc.string({ unit: 'binary' }))
      fc.assert(
        fc.property(fc.array(word, { minLength: 1, maxLength: 70 }), (words) => {
          const line = shellLine(words)
          if (line !== undefined) expect(asLvmSplits(line)).to.deep.equal([words])
        }),
        { numRuns: 500 },
      )
    })

    it('is none for more words than LVM takes, or more characters', () => {
      expect(shellLine(Array.from({ length: 63 }, () => 'a'))).to.be.a('string')
      expect(shellLine(Array.from({ length: 64 }, () => 'a'))).to.equal(undefined)
      expect(shellLine(['x'.repeat(16_384)])).to.equal(undefined)
    })
  })

  it('answers one question after the other, also in pieces', async () => {
    const shell = start(`while read -r line; do ${TELLS.inPieces}; done`)
    for (let times = 0; times < 3; times += 1)
      expect(await shell.ask('vgs', LINE)).to.include({ exitCode: 0, stderr: '' })
    expect(shell.over).to.equal(undefined)
  })

  it('is asked one thing at a time', async () => {
    const shell = start('sleep 20')
    const first = thrownBy(shell.ask('vgs', LINE))
    expect(() => shell.ask('vgs', LINE)).to.throw(/is at "vgs"/)
    shell.kill()
    expect(await first).to.be.instanceOf(OutcomeUnknown)
  })

  for (const [what, script, how] of [
    ['ends', 'read -r line; exit 7', /its shell ended with status 7/],
    ['is killed', 'read -r line; kill -SEGV $$', /its shell ended with SIGSEGV/],
    ['cannot be started', undefined, /its shell cannot be started/],
  ] as const)
    it(`leaves the outcome unknown when it ${what} before it has answered`, async () => {
      const shell =
        script === undefined ? new LvmShell({ ...shellOf(''), file: '/nonexistent/lvm' }) : start(script)
      const error = await thrownBy(shell.ask('vgs', LINE))
      expect(error).to.be.instanceOf(OutcomeUnknown).with.property('ended', undefined)
      expect((error as Error).message).to.match(how)
      expect(await thrownBy(shell.ask('vgs', LINE))).to.be.instanceOf(CommandFailed)
    })

  it('is over when it speaks without being asked', async () => {
    const shell = start(`${TELLS.whole}; sleep 20`)
    await eventually('it is over', () => Promise.resolve(shell.over !== undefined))
    expect(shell.over).to.match(/without being asked/)
  })

  it('takes no other answer for the one it waits for', async () => {
    const shell = start(`read -r line; ${TELLS.ofAnother}; sleep 20`)
    const answer = shell.ask('vgs', LINE)
    const late = new Promise((resolve) => setTimeout(resolve, 300, 'nothing'))
    expect(await Promise.race([answer, late])).to.equal('nothing')
    shell.kill()
    await thrownBy(answer)
  })

  it('ends when it is let go', async () => {
    const shell = start('while read -r line; do :; done')
    shell.end()
    await eventually('it has ended', () => Promise.resolve(shell.over !== undefined))
    expect(shell).to.include({ over: 'ended with status 0', wasKilled: false })
  })
})
