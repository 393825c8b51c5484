import { CONTENT_RULES } from './content-rules.ts'
import type { Rule } from './disk-rule.ts'
import { IDENTITY_RULES } from './identity-rules.ts'
import { USE_RULES } from './use-rules.ts'

/**
 * First match decides. The order is from the surest finding to the least sure: a disk is blank only when nothing
 * else was found.
 */
export const RULES: readonly Rule[] = [...IDENTITY_RULES, ...USE_RULES, ...CONTENT_RULES]
