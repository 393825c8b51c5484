/** What the API server promises since Kubernetes 1.35 (KEP-5504), and has always done: a decimal number. */
const DECIMAL = /^[1-9]\d*$/

/** Whether `version` was surely before `than`, of the same kind of object. Versions of another form are never older. */
export const isOlder = (version: string | undefined, than: string | undefined): boolean =>
  DECIMAL.test(version ?? '') && DECIMAL.test(than ?? '') && BigInt(version ?? '') < BigInt(than ?? '')
