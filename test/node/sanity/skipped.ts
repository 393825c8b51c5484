/** Why csi-sanity skips a case: it asks for what the plugin does not say that it has. */
const CASES: readonly { readonly why: string; readonly names: readonly string[] }[] = [
  {
    why: 'snapshots of several volumes at once are not offered: there is no GroupController service',
    names: [
      'GroupController Service [GroupController Server] GroupControllerGetCapabilities should return appropriate capabilities',
      'GroupController Service [GroupController VolumeGroupSnapshots] CreateVolumeGroupSnapshot should fail when no name is provided',
      'GroupController Service [GroupController VolumeGroupSnapshots] GetVolumeGroupSnapshot should fail when no volume id is provided',
      'GroupController Service [GroupController VolumeGroupSnapshots] GetVolumeGroupSnapshot should fail when an invalid volume id is used',
      'GroupController Service [GroupController VolumeGroupSnapshots] DeleteVolumeGroupSnapshot should fail when no volume id is provided',
      'GroupController Service [GroupController VolumeGroupSnapshots] DeleteVolumeGroupSnapshot should succeed when an invalid volume id is used',
    ],
  },
  {
    why: 'this version makes no snapshots',
    names: [
      'CreateSnapshot [Controller Server] should fail when no name is provided',
      'CreateSnapshot [Controller Server] should fail when no source volume id is provided',
      'CreateSnapshot [Controller Server] should succeed when requesting to create a snapshot with already existing name and same source volume ID',
      'CreateSnapshot [Controller Server] should fail when requesting to create a snapshot with already existing name and different source volume ID',
      'CreateSnapshot [Controller Server] should succeed when creating snapshot with maximum-length name',
      'CreateSnapshot [Controller Server] should succeed when creating a snapshot with accessibility requirements',
      'DeleteSnapshot [Controller Server] should fail when no snapshot id is provided',
      'DeleteSnapshot [Controller Server] should succeed when an invalid snapshot id is used',
      'DeleteSnapshot [Controller Server] should return appropriate values (no optional values added)',
      'Controller Service [Controller Server] CreateVolume should create volume from an existing source snapshot',
      'Controller Service [Controller Server] CreateVolume should fail when the volume source snapshot is not found',
      'GetSnapshot [Controller Server] should return an error',
      'GetSnapshot [Controller Server] should return snapshot that match the specified snapshot id',
      'GetSnapshot [Controller Server] should return an error when the specified snapshot id does not exist',
      'ListSnapshots [Controller Server] should return appropriate values (no optional values added)',
      'ListSnapshots [Controller Server] should return snapshots that match the specified snapshot id',
      'ListSnapshots [Controller Server] should return empty when the specified snapshot id does not exist',
      'ListSnapshots [Controller Server] should return snapshots that match the specified source volume id',
      'ListSnapshots [Controller Server] should return empty when the specified source volume id does not exist',
      'ListSnapshots [Controller Server] check the presence of new snapshots in the snapshot list',
      'ListSnapshots [Controller Server] should return next token when a limited number of entries are requested',
    ],
  },
  {
    why: 'this version cannot fill a volume from another',
    names: [
      'Controller Service [Controller Server] CreateVolume should create volume from an existing source volume',
      'Controller Service [Controller Server] CreateVolume should fail when the volume source volume is not found',
    ],
  },
  {
    why: 'an RPC that the released specification (1.12) does not have; NodeGetVolumeStats has the condition',
    names: [
      'ControllerGetVolumeHealth [Controller Server] should fail when no volume id is provided',
      'ControllerGetVolumeHealth [Controller Server] should return health for a valid volume',
      'ControllerListVolumeHealth [Controller Server] should return appropriate response',
      'Node Service NodeGetVolumeHealth should fail when no volume id is provided',
      'Node Service NodeGetVolumeHealth should return health for a valid volume',
      'Node Service NodeGetStorageHealth should return appropriate response',
    ],
  },
  {
    why: 'a volume of Loam has no mutable parameters',
    names: [
      'ModifyVolume [Controller Server] should fail if no volume id is given',
      'ModifyVolume [Controller Server] should fail if volume does not exist',
      'ModifyVolume [Controller Server] should fail if specified mutable parameters are not supported by the volume',
      'ModifyVolume [Controller Server] should modify a volume created without a volume attribute class',
      'ModifyVolume [Controller Server] should modify a volume created with a volume attribute class',
      'ModifyVolume [Controller Server] should fail to modify a volume created with a volume attribute class if new mutable parameters are not supported by volume',
      'Controller Service [Controller Server] CreateVolume should create volume with a volume attribute class',
      'Controller Service [Controller Server] CreateVolume should not create volume with an invalid volume attribute class',
    ],
  },
  {
    why: 'a local volume is not attached: CSIDriver has attachRequired false',
    names: [
      'Controller Service [Controller Server] ControllerPublishVolume should fail when no volume id is provided',
      'Controller Service [Controller Server] ControllerPublishVolume should fail when no node id is provided',
      'Controller Service [Controller Server] ControllerPublishVolume should fail when no volume capability is provided',
      'Controller Service [Controller Server] ControllerPublishVolume should fail when publishing more volumes than the node max attach limit',
      'Controller Service [Controller Server] ControllerPublishVolume should fail when the volume does not exist',
      'Controller Service [Controller Server] ControllerPublishVolume should fail when the node does not exist',
      'Controller Service [Controller Server] ControllerPublishVolume should fail when the volume is already published but is incompatible',
      'Controller Service [Controller Server] volume lifecycle should work',
      'Controller Service [Controller Server] volume lifecycle should be idempotent',
      'Controller Service [Controller Server] ControllerUnpublishVolume should fail when no volume id is provided',
    ],
  },
  {
    why: 'csi-sanity itself does not run it: it is marked as pending there',
    names: [
      'Controller Service [Controller Server] ListVolumes pagination should detect volumes added between pages and accept tokens when the last volume from a page is deleted',
    ],
  },
]

/** Every case that is skipped, by its full name, with the reason. */
export const SKIPPED: Readonly<Record<string, string>> = Object.fromEntries(
  CASES.flatMap(({ why, names }) => names.map((name) => [name, why])),
)
