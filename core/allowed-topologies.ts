/** One term of a StorageClass's allowedTopologies. */
export interface TopologyTerm {
  readonly matchLabelExpressions?: readonly { readonly key: string; readonly values: readonly string[] }[]
}

/**
 * Whether a node with these labels is allowed: one term has to match, each of its expressions, by one of the values. No
 * terms allow every node, and a term without expressions allows none (component-helpers,
 * MatchTopologySelectorTerms, which kube-scheduler asks for claims that wait for their pod).
 */
export const isAllowedTopology = (
  terms: readonly TopologyTerm[],
  labels: Readonly<Record<string, string>>,
): boolean =>
  terms.length === 0 ||
  terms.some(
    ({ matchLabelExpressions: wanted = [] }) =>
      wanted.length > 0 &&
      wanted.every(({ key, values }) => key in labels && values.includes(labels[key] ?? '')),
  )

/** For people: `zone in (a, b) and disk in (ssd), or zone in (c)`. */
export const describeTopologies = (terms: readonly TopologyTerm[]): string =>
  terms
    .map(({ matchLabelExpressions = [] }) =>
      matchLabelExpressions.map(({ key, values }) => `${key} in (${values.join(', ')})`).join(' and '),
    )
    .join(', or ')
