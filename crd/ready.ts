import type { NodeLocalStorage } from './types.ts'

/** The condition of a report that sums up the others; undefined before the agent's first look. */
export const readyOf = ({ status }: NodeLocalStorage) =>
  status?.conditions?.find(({ type }) => type === 'Ready')
