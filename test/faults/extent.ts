/** Whether everything is killed and broken (`npm run faults`), or the short set that runs with the other tests. */
export const isWholeSet = process.env.LOAM_FAULTS === 'all'
