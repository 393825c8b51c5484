import type { Layout, LayoutName } from './layout.ts'

/** The parameters of a class that say more about its layout; an absent one has its default. */
interface LayoutParameters {
  readonly stripes: number | undefined
  readonly stripeSize: bigint | undefined
  readonly mirrors: number | undefined
  readonly thinPool: string | undefined
  readonly overprovisionRatio: bigint | undefined
}

const DEFAULT_STRIPE_SIZE_BYTES = 64n * 1024n
const DEFAULT_THIN_POOL = 'thinpool'
/** Volumes as large together as their pool: it can never be full. */
const NO_OVERPROVISION_PERMILLE = 1000n
/** With fewer stripes LVM refuses the layout (lvmraid(7)). */
const LEAST_STRIPES = { striped: 2, raid5: 2, raid6: 3, raid10: 2 } as const

/** A value that another value of the class rules out. */
interface LayoutFault {
  readonly parameter: 'stripes' | 'mirrors'
  readonly allowed: string
}

/** Puts a layout together from its name and its parameters, each of which was read already. */
export const layoutOf = (
  name: LayoutName,
  { stripes, stripeSize = DEFAULT_STRIPE_SIZE_BYTES, mirrors = 1, ...thin }: LayoutParameters,
): { readonly value: Layout } | { readonly fault: LayoutFault } => {
  if (name === 'linear') return { value: { name } }
  if (name === 'thin') {
    const { thinPool: pool = DEFAULT_THIN_POOL, overprovisionRatio = NO_OVERPROVISION_PERMILLE } = thin
    return { value: { name, pool, overprovisionPermille: overprovisionRatio } }
  }
  if (name === 'raid1') return { value: { name, mirrors } }
  const least = LEAST_STRIPES[name]
  if (stripes !== undefined && stripes < least)
    return { fault: { parameter: 'stripes', allowed: `${name} needs at least ${least}` } }
  if (name === 'raid10' && mirrors !== 1)
    return { fault: { parameter: 'mirrors', allowed: 'LVM makes raid10 with 1 mirror only' } }
  return { value: { name, stripes: stripes ?? least, stripeSizeBytes: stripeSize } }
}
