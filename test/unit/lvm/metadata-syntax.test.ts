import { expect } from 'chai'

import { parseConfig } from '../../../lvm/metadata-syntax.ts'

describe('lvm/metadata-syntax', () => {
  it('reads values, arrays, sections and comments', () => {
    const source = `# made by hand
      name {  # a group
        id = "a-b"	seqno = 12
        status = ["READ", "WRITE",
          "VISIBLE"]
        none = []
        pairs = ["pv0", 0, "pv1", 17]
        part.1+x_y-z { below = -3 }
      }
      contents = "text" # the end
`
    const group = new Map<string, unknown>([
      ['id', 'a-b'],
      ['seqno', 12n],
      ['status', ['READ', 'WRITE', 'VISIBLE']],
      ['none', []],
      ['pairs', ['pv0', 0n, 'pv1', 17n]],
      ['part.1+x_y-z', new Map([['below', -3n]])],
    ])
    expect(parseConfig(source)).to.deep.equal(
      new Map<string, unknown>([
        ['name', group],
        ['contents', 'text'],
      ]),
    )
    expect(parseConfig('')).to.deep.equal(new Map())
  })

  it('takes back the escapes of strings, in which signs and comments mean nothing', () => {
    expect(parseConfig(String.raw`a = "say \"x = { [ # y\" \\ \\\" z"`)).to.deep.equal(
      new Map([['a', String.raw`say "x = { [ # y" \ \" z`]]),
    )
  })

  const refused: Record<string, string> = {
    'a name for the second time': 'a = 1 b = 2 a = 1',
    'a section that does not end': 'a { b = 1',
    'a brace too many': 'a = 1 }',
    'a brace too many, and more': 'a = 1 } b = 2',
    'a string that does not end': 'a = "b',
    'an escape that LVM does not write': String.raw`a = "\n"`,
    'an array that does not end': 'a = [1, 2',
    'an array without a comma': 'a = [1 2]',
    'an array in an array': 'a = [[1]]',
    'a word that is no value': 'a = b',
    'a fraction': 'a = 1.5',
    'a number beyond every size': `a = ${'9'.repeat(19)}`,
    'a name alone': 'a',
    'a value alone': '= 1',
    'a string for a name': '"a" = 1',
    'a zero byte': 'a = 1\u0000',
    'another sign': 'a : 1',
  }
  for (const [what, source] of Object.entries(refused))
    it(`refuses ${what}`, () => {
      expect(() => parseConfig(source)).to.throw(Error)
    })

  it('is not slow about long blank space in front of nonsense', () => {
    expect(() => parseConfig(`a = 1 ${' '.repeat(50_000)}${'# \n'.repeat(50_000)}?`)).to.throw(
      /unexpected text/,
    )
  })
})
