import { join } from 'node:path'

import { status, type ServiceError } from '@grpc/grpc-js'

import { formatVolumeHandle } from '../../../core/naming.ts'
import {
  VolumeCapability_AccessMode_Mode as Mode,
  type NodeExpandVolumeRequest,
  type NodePublishVolumeRequest,
  type NodeStageVolumeRequest,
  type VolumeCapability,
} from '../../../csi-node/gen/csi.ts'
import { ask, type CsiHarness } from './csi-harness.ts'
import { thrownBy } from './thrown-by.ts'

export const HANDLE = {
  groupUuid: 'abcdef-0123-4567-89ab-cdef-0123-456789',
  volumeUuid: 'ghijkl-0123-4567-89ab-cdef-0123-456789',
}
export const OTHER = { ...HANDLE, volumeUuid: 'zzzzzz-0123-4567-89ab-cdef-0123-456789' }
export const ID = formatVolumeHandle(HANDLE)

const BLOCK: VolumeCapability = {
  accessMode: { mode: Mode.SINGLE_NODE_WRITER },
  accessType: { $case: 'block', value: {} },
}
export const EXT4: VolumeCapability = {
  accessMode: { mode: Mode.SINGLE_NODE_WRITER },
  accessType: { $case: 'mount', value: { fsType: 'ext4', mountFlags: [], volumeMountGroup: '' } },
}

/** Code and message that a call ends with. */
export const failureOf = async (promise: Promise<unknown>): Promise<{ code: string; details: string }> => {
  const { code, details } = (await thrownBy(promise)) as ServiceError
  return { code: status[code], details }
}

/** Calls of the Node service as kubelet makes them, with what a test changes in the request. */
export const nodeCalls = (running: () => CsiHarness) => {
  const path = (...parts: string[]): string => join(running().kubeletDirectory, ...parts)
  const stageRequest = (changes: Partial<NodeStageVolumeRequest> = {}): NodeStageVolumeRequest => ({
    volumeId: ID,
    publishContext: {},
    stagingTargetPath: path('staging'),
    volumeCapability: BLOCK,
    secrets: {},
    volumeContext: {},
    ...changes,
  })
  const publishRequest = (changes: Partial<NodePublishVolumeRequest> = {}): NodePublishVolumeRequest => ({
    ...stageRequest(),
    targetPath: path('target'),
    readonly: false,
    ...changes,
  })
  const stage = (changes: Partial<NodeStageVolumeRequest> = {}) =>
    ask((done) => running().service.nodeStageVolume(stageRequest(changes), done))
  const unstage = (volumeId = ID, stagingTargetPath = path('staging')) =>
    ask((done) => running().service.nodeUnstageVolume({ volumeId, stagingTargetPath }, done))
  const publish = (changes: Partial<NodePublishVolumeRequest> = {}) =>
    ask((done) => running().service.nodePublishVolume(publishRequest(changes), done))
  const unpublish = (volumeId = ID, targetPath = path('target')) =>
    ask((done) => running().service.nodeUnpublishVolume({ volumeId, targetPath }, done))
  const stats = (volumeId: string, volumePath: string) =>
    ask((done) => running().service.nodeGetVolumeStats({ volumeId, volumePath, stagingTargetPath: '' }, done))

  const expand = (changes: Partial<NodeExpandVolumeRequest> = {}) => {
    const request = {
      volumeId: ID,
      volumePath: path('target'),
      stagingTargetPath: '',
      secrets: {},
      ...changes,
    }
    return ask((done) => running().service.nodeExpandVolume(request, done))
  }

  return { path, stageRequest, publishRequest, stage, unstage, publish, unpublish, stats, expand }
}
