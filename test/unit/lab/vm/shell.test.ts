import { expect } from 'chai'
import { execa } from 'execa'
import fc from 'fast-check'
import { assignments, quoteAll } from '../../../lab/vm/shell.ts'

const word = fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0'))

describe('quoting for a shell', () => {
  it('gives back every word as it was', async () => {
    const words = [...fc.sample(word, 200), '', "'", '$(false)', 'a\nb', '*', '\\']
    const { stdout } = await execa('sh', ['-c', `printf '%s\\0' ${quoteAll(words)}`])
    expect(stdout.split('\0').slice(0, -1)).to.deep.equal(words)
  })

  it('makes assignments that a shell reads back', async () => {
    const value = `it's "two" $words\nand a line`
    const { stdout } = await execa('sh', ['-c', `${assignments({ VALUE: value })} printf %s "$VALUE"`])
    expect(stdout).to.equal(value)
  })
})
