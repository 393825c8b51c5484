export const USAGE = `scripts/lab [--lab DIRECTORY] COMMAND

A Kubernetes cluster with real disks on this machine: a control plane of processes, and virtual machines as nodes.

  up [--nodes 3] [--disks 2x1GiB] [--without-loam]   make it; prints how long each part took
  down                                               remove it, whatever state it is in
  status                                             nodes, virtual machines, disks, agent, memory
  kubectl …                                          as the cluster's administrator
  exec NODE -- COMMAND …                             run a command on a node; its exit status is yours
  cut NODE                                           power cut: what was not flushed is lost
  start NODE                                         power on again, with the same disks
  pull NODE DISK                                     take a disk (a, b, …) out of the running node
  plug NODE DISK                                     put it in again
  logs [NODE] [agent|kubelet|containerd]  the agent's by default, of all nodes by default
  reload                                             build the agent again and run it on every node
  env                                                shell variables for other tools: eval "$(scripts/lab env)"
  load FILE.tar                                      import an image archive on every node

The lab is kept in DIRECTORY: --lab, else LOAM_LAB_DIR, else .lab/default in the checkout.
`
