import { expect } from 'chai'
import { silentLogger } from '../../../core/logger.ts'
import { LocalCopy } from '../../../kube/object-store.ts'

const object = (uid: string, resourceVersion: string) => ({
  metadata: { namespace: 'shop', name: 'cart', uid, resourceVersion },
})

describe('local copy', () => {
  let copy: LocalCopy<string>
  let changes: (string | undefined)[][]

  beforeEach(() => {
    copy = new LocalCopy(silentLogger)
    changes = []
    copy.onChange((...change) => changes.push(change))
    copy.set(object('1', '5'), 'first')
    changes.length = 0
  })

  it('tells what an object is and was', () => {
    copy.set(object('1', '6'), 'second')
    copy.removeObject(object('1', '7'))
    expect(changes).to.deep.equal([
      ['shop/cart', 'second', 'first'],
      ['shop/cart', undefined, 'second'],
    ])
  })

  it('does not tell the same version twice', () => {
    copy.set(object('1', '5'), 'first')
    expect(changes).to.deep.equal([])
  })

  it('compares versions for equality only: they are opaque', () => {
    copy.set(object('1', '4'), 'other')
    expect(copy.get('shop/cart')).to.equal('other')
  })

  it('tells another object of the same name as gone and come', () => {
    copy.set(object('2', '5'), 'second')
    expect(changes).to.deep.equal([
      ['shop/cart', undefined, 'first'],
      ['shop/cart', 'second', undefined],
    ])
  })

  it('does not let the end of a former object take the one that has its name now', () => {
    copy.set(object('2', '6'), 'second')
    copy.removeObject(object('1', '7'))
    expect(copy.get('shop/cart')).to.equal('second')
  })

  it('removes what a complete list no longer has', () => {
    copy.removeAllBut(new Set(['shop/other']))
    expect([...copy.entries()]).to.deep.equal([])
    expect(changes).to.deep.equal([['shop/cart', undefined, 'first']])
  })
})
