#!/bin/bash
# Takes away what a node test left, in one process: in the VM, Node.js needs longer to start a program than a shell does.
#   clean-up.sh wipe DISK...   nothing of the tests is mounted, nothing is mapped, and the disks are blank
#   clean-up.sh empty GROUP    the same of mounts and maps; the group has no volumes, and their space is blank
set -euo pipefail
shopt -s nullglob

unmount_all() {
  local target targets=()
  while read -r _ target _; do
    [[ $target == /run/loam-test/* ]] && targets=("$target" "${targets[@]}")
  done </proc/self/mounts
  for target in "${targets[@]}"; do umount "$target"; done
}

# Names of the mapped devices that nothing has open, one a line; of all when everything is open.
removable() {
  dmsetup info --columns --noheadings --separator ' ' --options name,open |
    awk '$2 == 0 { free = free $1 "\n" } NF == 2 { all = all $1 "\n" } END { printf "%s", free != "" ? free : all }'
}

# From the top down: a device below another one is open as long as that one is there.
deactivate_all() {
  local name
  while [ -n "$(echo /sys/block/dm-*)" ]; do
    for name in $(removable); do dmsetup remove --retry "$name"; done
  done
}

case $1 in
wipe)
  unmount_all
  deactivate_all
  for disk in "${@:2}"; do
    blkdiscard --force "$disk"
    blockdev --rereadpt "$(realpath "$disk")" || true
  done
  # fixture.ts says why twice
  udevadm settle || udevadm settle
  ;;
empty)
  unmount_all
  deactivate_all
  lvm lvremove --force --yes \
    --config 'devices{hints="none" use_devicesfile=0 issue_discards=1} backup{backup=0 archive=0}' "$2"
  ;;
esac
