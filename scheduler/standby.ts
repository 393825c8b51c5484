/** How soon a replica that is not the leader looks whether it has become the leader. */
export const STANDBY_MS = 5000
