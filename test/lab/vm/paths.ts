import { join } from 'node:path'

/** Relative to the state directory: a socket's path ends at 108 bytes, and a state directory may be deep. */
export const EXEC_SOCKET = 'exec.sock'

/** Files of a VM's state directory. */
export const pathsOf = (directory: string) => ({
  options: join(directory, 'vm.json'),
  console: join(directory, 'console.log'),
  /** Read by the guest's first process. */
  guestEnvironment: join(directory, 'guest.env'),
  /** Backing store of the disks; the guest's page cache on top of it is their volatile write cache. */
  disks: join(directory, 'disks.img'),
  /** An empty file here says that the disk of this name is pulled out. */
  pulled: join(directory, 'pulled'),
  /** Seen by the guest as /run/lab: both sides read and write it. */
  shared: join(directory, 'shared'),
  ready: join(directory, 'shared', 'ready'),
  uml: join(directory, 'uml'),
  execSocket: join(directory, EXEC_SOCKET),
  /** Secret of the exec server. */
  token: join(directory, 'token'),
  relayLog: join(directory, 'relay.log'),
})
