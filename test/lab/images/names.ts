/** Images that every node has. They are found by these names only: no registry is reachable. */
export const PAUSE_IMAGE = 'docker.io/local/pause:1'
export const BUSYBOX_IMAGE = 'docker.io/local/busybox:1'
