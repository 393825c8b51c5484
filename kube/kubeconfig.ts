/**
 * The only value import of @kubernetes/client-node. It is loaded with `await import` and bundled as a file of its own:
 * loading it costs about 15 MiB, and a pod never needs it (docs/decisions/0040-own-kube-client.md).
 */
export { KubeConfig } from '@kubernetes/client-node'
