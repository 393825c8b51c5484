/**
 * What kube-apiserver writes to the audit log: who did what for every request, and the whole bodies of writes that
 * tests reason about. First rule that matches wins (Kubernetes documentation, "Auditing").
 */
export const AUDIT_POLICY = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived', 'ResponseStarted'],
  rules: [
    {
      level: 'RequestResponse',
      verbs: ['create', 'update', 'patch', 'delete', 'deletecollection'],
      resources: [
        { group: '', resources: ['persistentvolumeclaims', 'persistentvolumeclaims/status'] },
        { group: '', resources: ['persistentvolumes', 'persistentvolumes/status'] },
        { group: 'storage.k8s.io', resources: ['csistoragecapacities'] },
        { group: 'loam.storage', resources: ['nodelocalstorages', 'nodelocalstorages/status'] },
      ],
    },
    // Leases are renewed every few seconds by every component and tell a test nothing.
    { level: 'None', resources: [{ group: 'coordination.k8s.io', resources: ['leases'] }] },
    { level: 'Metadata' },
  ],
}
