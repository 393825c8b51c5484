/**
 * Every lab uses the same addresses, each in a network namespace of its own. The first address of a range is the
 * namespace itself: gateway of the nodes, and where the control plane listens.
 */
export const HOST_ADDRESS = '10.99.0.1'
export const SERVICE_RANGE = '10.96.0.0/16'
/**
 * Address of the Service `kubernetes`: the first of the range, given by kube-apiserver. The namespace has it, and the server
 * listens there at the Service's port, so that pods reach it without kube-proxy: the VMs' newer kernel has no NAT.
 */
export const API_SERVICE_ADDRESS = '10.96.0.1'
export const DNS_SERVICE_ADDRESS = '10.96.0.10'
export const POD_RANGE = '10.244.0.0/16'
export const API_SERVER_PORT = 443
export const API_SERVER_URL = `https://${HOST_ADDRESS}:${API_SERVER_PORT}`

/** Nodes are numbered from 1; the network holds this many. */
export const MOST_NODES = 9

export const nodeAddress = (number: number): string => `10.99.0.${10 + number}`
export const podRangeOf = (number: number): string => `10.244.${number}.0/24`
