import * as v from 'valibot'

/** What is read of Ginkgo's report (`--json-report`). */
const schema = v.array(
  v.object({
    SpecReports: v.array(
      v.object({
        ContainerHierarchyTexts: v.nullable(v.array(v.string())),
        LeafNodeType: v.string(),
        LeafNodeText: v.string(),
        State: v.string(),
      }),
    ),
  }),
)

/** One case of csi-sanity. */
export interface SanityCase {
  readonly name: string
  /** `passed`, `skipped`, `failed` … */
  readonly state: string
}

/** The cases in a report; set-up and clean-up of the whole suite are left out. */
export const casesOf = (text: string): readonly SanityCase[] =>
  v
    .parse(schema, JSON.parse(text))
    .flatMap(({ SpecReports }) => SpecReports)
    .filter(({ LeafNodeType }) => LeafNodeType === 'It')
    .map(({ ContainerHierarchyTexts, LeafNodeText, State }) => ({
      name: [...(ContainerHierarchyTexts ?? []), LeafNodeText].join(' '),
      state: State,
    }))
