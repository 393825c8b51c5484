import { expect } from 'chai'
import { cacheDirectory } from '../../../lab/programs/cache.ts'

describe('cache directory', () => {
  it('is LOAM_CACHE, else in the user cache, else in the home directory', () => {
    expect(cacheDirectory({ LOAM_CACHE: '/a', XDG_CACHE_HOME: '/b' })).to.equal('/a')
    expect(cacheDirectory({ XDG_CACHE_HOME: '/b' })).to.equal('/b/loam')
    expect(cacheDirectory({})).to.match(/\/\.cache\/loam$/)
  })
})
