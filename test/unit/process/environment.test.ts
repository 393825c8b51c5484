import { expect } from 'chai'
import { EnvironmentReader, InvalidConfig } from '../../../process/environment.ts'

describe('process/environment', () => {
  it('gives what is set, and the default of what is not', () => {
    const read = new EnvironmentReader({ NAME: 'a', NUMBER: '7', PATH_: '/run/x', TIMES: '* * * * *' })
    expect([read.text('NAME'), read.text('OTHER', 'b')]).to.deep.equal(['a', 'b'])
    expect([read.whole('NUMBER', 1, 9), read.whole('OTHER', 1, 9)]).to.deep.equal([7, 1])
    expect([read.path('PATH_', '/'), read.times('TIMES', '')]).to.deep.equal(['/run/x', '* * * * *'])
    expect([read.oneOf('NAME', ['a', 'b'], 'b'), read.oneOf('OTHER', ['a', 'b'], 'b')]).to.deep.equal([
      'a',
      'b',
    ])
    expect(() => read.check('program')).not.to.throw()
  })

  it('names every fault at once, with what is allowed', () => {
    const read = new EnvironmentReader({ NAME: '', NUMBER: '10', PATH_: 'run/', TIMES: 'often', MODE: 'c' })
    read.text('NAME')
    read.whole('NUMBER', 1, 9, 1)
    read.path('PATH_', '/')
    read.times('TIMES', '')
    read.oneOf('MODE', ['a', 'b'], 'b')
    read.blame('MORE is not nice')
    expect(() => read.check('program')).to.throw(
      InvalidConfig,
      'environment of the program: NAME is not set; NUMBER is "10": allowed are whole numbers from 1 to 9; ' +
        'PATH_ is "run/": an absolute path is wanted; TIMES is "often": a cron expression is wanted; ' +
        'MODE is "c": allowed are a, b; MORE is not nice',
    )
  })
})
