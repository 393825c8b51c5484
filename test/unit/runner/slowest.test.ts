import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import Mocha from 'mocha'
import { watchSuites } from '../../runner/slowest.ts'

const nothing = (): void => undefined

/** Runs suites that each wait so long in a hook, without a word on the terminal. */
const slowestOf = (waitsMs: Readonly<Record<string, number>>): Promise<readonly string[]> =>
  new Promise((resolve) => {
    const mocha = new Mocha({ reporter: Mocha.reporters.Base })
    for (const [title, ms] of Object.entries(waitsMs)) {
      const suite = Mocha.Suite.create(mocha.suite, title)
      suite.beforeAll(() => sleep(ms))
      const inner = Mocha.Suite.create(suite, 'inner')
      inner.addTest(new Mocha.Test('does nothing', nothing))
    }
    const runner = mocha.run(() => {
      resolve(slowest())
    })
    const slowest = watchSuites(runner, 40)
  })

describe('runner/slowest', () => {
  it('counts hooks, tells of outermost suites only, and begins with the slowest', async () => {
    const lines = await slowestOf({ quick: 0, slow: 50, slower: 200 })
    expect(lines.map((line) => line.trim().replace(/^\S+ s +/, ''))).to.deep.equal(['slower', 'slow'])
    expect(lines[0]).to.match(/0\.[2-9] s/)
  })
})
