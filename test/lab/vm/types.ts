/** A SCSI disk of a VM. `name` is one lower-case letter, `a` for the first; it never changes, unlike sda or sdb. */
export interface DiskSpec {
  readonly name: string
  readonly sizeBytes: number
}

/**
 * A file system (ext4) on a file of the host that outlives a power cut: what its journal has committed is there
 * afterwards. With `base` the file holds only what differs from the base (user-mode Linux's own copy-on-write),
 * and the size is the base's; without it `sizeBytes` is needed.
 */
export interface DriveSpec {
  readonly file: string
  readonly base?: string
  readonly sizeBytes?: number
  /** Where the guest mounts it. */
  readonly mount: string
}

/** Where the VM's network card is plugged in; see network.ts for how to make it. */
interface VmNetwork {
  readonly namespace: string
  readonly tap: string
  /** Address with prefix length: `10.99.0.11/24`. */
  readonly address: string
  readonly gateway: string
}

export interface VmOptions {
  /** Host name; unique in its lab. */
  readonly name: string
  /** State directory on the host, absolute; it belongs to this VM alone and one VM at a time runs in it. */
  readonly directory: string
  readonly memoryMiB: number
  /** Works all the time, as the VM of a test run does: no other VM should have the same CPU. Not when absent. */
  readonly isBusy?: boolean
  readonly disks: readonly DiskSpec[]
  readonly drives: readonly DriveSpec[]
  readonly network: VmNetwork
  /** Run by bash in the guest when all else is up; its output goes to `script.log` in the shared directory. */
  readonly guestScript?: string
  /** For the guest script only. */
  readonly environment?: Readonly<Record<string, string>>
}

export interface ExecOptions {
  /** `capture` (default) gives both streams back; `inherit` passes them on to this process's own. */
  readonly output?: 'capture' | 'inherit'
  /** Text for the command's standard input, or this process's own. Nothing (an empty file) by default. */
  readonly input?: { readonly text: string } | 'inherit'
  /** Ask for a terminal in the guest, for interactive shells. */
  readonly terminal?: boolean
  readonly environment?: Readonly<Record<string, string>>
  /** Working directory in the guest; root's home by default. */
  readonly directory?: string
  /** Stop waiting after this time with an error. The command in the guest may go on. No bound by default. */
  readonly timeoutMs?: number
}

export interface ExecResult {
  readonly stdout: string
  readonly stderr: string
  readonly exitCode: number
}

/** A running VM. Every method rejects with a LabError that names the VM when it cannot do what it says. */
export interface Vm {
  readonly name: string
  readonly directory: string
  /** The host's process; also the id of the process group that holds all its helpers. */
  readonly pid: number
  /** Runs a program in the guest as root. A non-zero exit status is a result, not an error. */
  exec(command: readonly string[], options?: ExecOptions): Promise<ExecResult>
  /** As exec, but a non-zero exit status is an error; gives standard output. */
  run(command: readonly string[], options?: ExecOptions): Promise<string>
  /** Power cut: the processes are killed and what disks and drives had not flushed is lost. */
  cut(): Promise<void>
  /** Orderly end: everything is flushed, then the power goes. */
  powerOff(): Promise<void>
  /** Takes a disk out of the running VM. It stays out over cut and start, until plug. */
  pull(disk: string): Promise<void>
  plug(disk: string): Promise<void>
}
