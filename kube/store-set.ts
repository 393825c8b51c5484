import type { Reflector } from './reflector.ts'

/** The local copies that a program keeps, by their names. */
type StoreSet<Names> = { readonly [Name in keyof Names]: Reflector<unknown> }

const all = <Names extends object>(stores: StoreSet<Names>): readonly [string, Reflector<unknown>][] =>
  Object.entries(stores)

/** Settles when each has its first list. */
export const storesSynced = async <Names extends object>(stores: StoreSet<Names>): Promise<void> => {
  await Promise.all(all(stores).map(([, store]) => store.synced))
}

/** What keeps a store from the truth at the moment; undefined when all watches are open. */
export const storesTrouble = <Names extends object>(stores: StoreSet<Names>): string | undefined => {
  const troubles = all(stores).flatMap(([name, store]) =>
    store.trouble === undefined ? [] : [`${name}: ${store.trouble}`],
  )
  return troubles.length === 0 ? undefined : troubles.join('; ')
}
