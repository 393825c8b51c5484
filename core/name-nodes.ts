/** An event's note ends at 1024 bytes; this many nodes fit with names of any length that Kubernetes allows. */
const MOST = 8

/** For people: `node1 …, node2 …, and 3 more`; what is said of each node comes in the order in which it is wanted. */
export const nameNodes = (said: readonly string[]): string => {
  const more = said.length - MOST
  return `${said.slice(0, MOST).join(', ')}${more > 0 ? `, and ${more} more` : ''}`
}
