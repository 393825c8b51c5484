import { expect } from 'chai'
import type { Action } from './actions.ts'
import { startModelCluster, type ModelCluster } from './cluster.ts'
import { modelLog } from './model-log.ts'
import { runSequence } from './sequence.ts'

const pod = (number: number, ...extents: number[]): Action => ({ do: 'createPod', pod: number, extents })
const rest: Action = { do: 'rest' }
const first = { pod: 0, claim: 0 }
const wait = (ms: number): Action => ({ do: 'wait', ms })

/** How long kube-scheduler and the controllers take to give claims to the first node: what is held there waits for it. */
const GIVEN_MS = 1_500
/** Longer than the agent is forgiven not to know something (request-checks.ts). */
const KNOWN = wait(2_500)

/**
 * Each has come to its end for a reason: a mistake that was planted, or one that was made. What is asserted is what the
 * model asserts of every sequence.
 */
const STORIES: Readonly<Record<string, readonly Action[]>> = {
  'claims that fit only one by one are given back': [pod(0, 14, 14), wait(GIVEN_MS), rest],
  'the scheduler is told of space that a person took before the claim comes back to it': [
    { do: 'makeUnseen', node: 0, extents: 20 },
    pod(0, 14),
    wait(GIVEN_MS),
    rest,
  ],
  'a volume that leaves the view stays': [
    ...[pod(0, 4), rest, { do: 'useVolume', ...first }, { do: 'unlabelVolume', ...first }, wait(500)],
    rest,
  ] as Action[],
  'a PersistentVolume of that name which is not there is made': [
    { do: 'trouble', node: 0, on: 'volume', fault: '409', times: 1 },
    pod(0, 4),
    wait(GIVEN_MS),
    rest,
  ],
  'the node that comes too late with its PersistentVolume takes its volume back': [
    ...[{ do: 'trouble', node: 0, on: 'volume', fault: 'hold', times: 1 }, pod(0, 4), wait(GIVEN_MS)],
    // so many that a person is asked: what is not taken back is not collected either
    ...Array.from({ length: 6 }, () => ({ do: 'leaveOrphan', node: 0, extents: 1 })),
    ...[{ do: 'moveClaims', pod: 0, node: 1 }, wait(GIVEN_MS), rest],
  ] as Action[],
  'a kept volume without a claim is kept while others are collected': [
    ...[pod(0, 4), rest, { do: 'setPolicy', ...first, policy: 'Retain' }, wait(300)],
    ...[{ do: 'deletePodWithClaims', pod: 0 }, { do: 'leaveOrphan', node: 0, extents: 2 }, rest],
  ] as Action[],
  'what an agent that died left of a claim is collected, although another node has answered the claim': [
    pod(0, 4),
    rest,
    // nothing comes of it at the node of the volume itself
    { do: 'leaveTwin', ...first, node: 0 },
    { do: 'leaveTwin', ...first, node: 1 },
    rest,
  ],
  'a claim that moved while its volume was made is not answered': [
    ...[{ do: 'holdCreates', node: 0 }, pod(0, 4), wait(GIVEN_MS), { do: 'moveClaims', pod: 0, node: 1 }],
    ...[KNOWN, { do: 'releaseCreates', node: 0 }, rest],
  ] as Action[],
  'what was made before space ran out is undone first': [
    { do: 'lvmFault', node: 0, fault: 'noSpaceMidway' },
    pod(0, 4, 4),
    wait(GIVEN_MS),
    rest,
  ],
  'the claims of a pod are answered together or not at all': [
    ...[{ do: 'holdCreates', node: 0 }, { do: 'holdCreates', node: 1 }, pod(0, 4, 4), wait(GIVEN_MS)],
    ...[{ do: 'moveClaim', pod: 0, claim: 1, node: 1 }, KNOWN, { do: 'releaseCreates', node: 0 }, rest],
  ] as Action[],
  "a claim is not served while another of its pod is a different node's": [
    ...[{ do: 'holdCreates', node: 0 }, pod(0, 4, 4), wait(GIVEN_MS), KNOWN],
    ...[{ do: 'moveClaim', pod: 0, claim: 1, node: 1 }, wait(GIVEN_MS), rest],
  ] as Action[],
  'claims that met no class are served when it is there again': [
    ...Array.from({ length: 3 }, () => ({ do: 'lvmFault', node: 0, fault: 'unknownBefore' })),
    ...[pod(0, 4), wait(800), { do: 'deleteClass' }, wait(3_500), { do: 'createClass' }, rest],
  ] as Action[],
  'a PersistentVolume whose volume is in use stays': [
    ...[pod(0, 4), rest, { do: 'useVolume', ...first }, { do: 'openVolume', ...first }],
    ...[{ do: 'deletePodWithClaims', pod: 0 }, wait(1_000), rest],
  ] as Action[],
}

describe('a story of the model', function () {
  this.timeout(120_000)
  let model: ModelCluster | undefined

  before(async function () {
    // On a machine that never ran one, etcd and kube-apiserver are built first.
    this.timeout(20 * 60_000)
    model = await startModelCluster()
  })
  after(async () => model?.stop())

  for (const [title, actions] of Object.entries(STORIES))
    it(title, async () => {
      if (model === undefined) throw new Error('there is no cluster')
      const tally = await runSequence(model.cluster, actions, modelLog())
      expect(tally.volumesAnswered + tally.claimsRefused).to.be.greaterThan(0)
    })
})
