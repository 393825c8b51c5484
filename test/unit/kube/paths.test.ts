import { expect } from 'chai'
import { apiVersionOf, collectionPath, describeObject, objectPath } from '../../../kube/paths.ts'
import { NODES, PERSISTENT_VOLUME_CLAIMS, STORAGE_CLASSES } from '../../../kube/resources.ts'

describe('paths', () => {
  it('addresses collections of the core group and of others', () => {
    expect(collectionPath(NODES)).to.equal('/api/v1/nodes')
    expect(collectionPath(STORAGE_CLASSES)).to.equal('/apis/storage.k8s.io/v1/storageclasses')
    expect(collectionPath(PERSISTENT_VOLUME_CLAIMS)).to.equal('/api/v1/persistentvolumeclaims')
    const inShop = '/api/v1/namespaces/shop/persistentvolumeclaims'
    expect(collectionPath(PERSISTENT_VOLUME_CLAIMS, 'shop')).to.equal(inShop)
  })

  it('addresses objects and their subresources', () => {
    const cart = { namespace: 'shop', name: 'cart' }
    const path = '/api/v1/namespaces/shop/persistentvolumeclaims/cart'
    expect(objectPath(PERSISTENT_VOLUME_CLAIMS, cart)).to.equal(path)
    expect(objectPath(PERSISTENT_VOLUME_CLAIMS, cart, 'status')).to.equal(`${path}/status`)
    expect(objectPath(NODES, { name: '../pods' })).to.equal('/api/v1/nodes/..%2Fpods')
  })

  it('never turns an incomplete name into the path of a collection', () => {
    expect(() => objectPath(NODES, { name: '' })).to.throw(TypeError, 'Node "" is not a complete name')
    expect(() => objectPath(PERSISTENT_VOLUME_CLAIMS, { name: 'cart' })).to.throw(TypeError)
    expect(() => objectPath(NODES, { namespace: 'shop', name: 'a' })).to.throw(TypeError, 'Node "shop/a"')
  })

  it('names objects for people', () => {
    expect(describeObject(PERSISTENT_VOLUME_CLAIMS, { namespace: 'shop', name: 'cart' })).to.equal(
      'PersistentVolumeClaim "shop/cart"',
    )
    expect(apiVersionOf(STORAGE_CLASSES)).to.equal('storage.k8s.io/v1')
    expect(apiVersionOf(NODES)).to.equal('v1')
  })
})
