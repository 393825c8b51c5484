#!/bin/bash
# First process of a VM. The kernel starts it on the host's own root (hostfs) and puts LOAM_VM, the state directory,
# into its environment. A fork costs 30 ms and more here, so one process does as much as it can: mount mounts a whole
# fstab, ip runs a batch.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb LC_ALL=C.UTF-8
guest=${BASH_SOURCE[0]%/*}

fail() {
  echo "lab: $*" >&2
  mount -t proc proc /proc 2>/dev/null
  echo o >/proc/sysrq-trigger
  sleep 10
}
must() { "$@" || fail "failed: $*"; }

# shellcheck source=/dev/null
. "$LOAM_VM/guest.env"

# The host's root is never written to: an overlay takes every write. pivot_root makes it the real root, because udevadm
# refuses to work in a chroot.
must mount -t tmpfs tmpfs /run
mkdir /run/upper /run/work /run/root
must insmod "$LAB_KERNEL_MODULES/kernel/fs/overlayfs/overlay.ko"
must mount -t overlay overlay -o lowerdir=/,upperdir=/run/upper,workdir=/run/work /run/root
cd /run/root || fail 'no /run/root'
must pivot_root . mnt

# Drives outlive a power cut like a file system of a real node: nodelalloc makes every commit of the journal (one a
# second) write the new files' data too.
{
  cat <<FSTAB
proc /proc proc
sysfs /sys sysfs
dev /dev devtmpfs
devpts /dev/pts devpts X-mount.mkdir
tmpfs /dev/shm tmpfs X-mount.mkdir
tmpfs /run tmpfs
cgroup2 /sys/fs/cgroup cgroup2
shared /run/lab hostfs X-mount.mkdir,$LAB_SHARED
$LAB_KERNEL_MODULES /lib/modules/${LAB_KERNEL_MODULES##*/} none bind,X-mount.mkdir
FSTAB
  while read -r device mountpoint; do
    [ -z "$device" ] || echo "/dev/$device $mountpoint ext4 X-mount.mkdir,noatime,nodelalloc,commit=1"
  done <<<"$LAB_DRIVES"
  [ -z "$LAB_DISKS" ] || echo '/dev/ubda /run/disks ext4 X-mount.mkdir,noatime'
} >/etc/fstab
must mount -a
must umount -l /mnt
# Mounts made in pods reach the node, and the other way round, only between shared mounts.
must mount --make-rshared /
exec </dev/null

echo "$LAB_NAME" >/proc/sys/kernel/hostname
echo "$LAB_NAME" >/etc/hostname
echo "$LAB_MACHINE_ID" >/etc/machine-id
printf '127.0.0.1 localhost\n%s %s\n' "${LAB_ADDRESS%/*}" "$LAB_NAME" >/etc/hosts
# cadvisor reads a clock speed, which this architecture does not report.
cpuinfo=$(</proc/cpuinfo)
printf '%s\ncpu MHz\t\t: 2000.000\n\n' "$cpuinfo" >/run/cpuinfo
must mount --bind /run/cpuinfo /proc/cpuinfo

# With Node.js's rings mapped, a fork followed by exec ends in a panic ("Bad page map", 7.2.7); older kernels lack the switch.
[ ! -e /proc/sys/kernel/io_uring_disabled ] || echo 2 >/proc/sys/kernel/io_uring_disabled
# shellcheck disable=SC2086 # a list of words
must modprobe -a $LAB_MODULES
/lib/systemd/systemd-udevd --daemon >/dev/null 2>&1 || fail 'systemd-udevd did not start'
# Only the drives are older than udevd and in use: everything else is announced when it comes, or is attached.
udevadm trigger --subsystem-match=block --sysname-match='ubd*'
must ip -batch - <<NETWORK
link set lo up
addr add $LAB_ADDRESS dev vec0
link set vec0 up
route add default via $LAB_GATEWAY
NETWORK
[ -z "$LAB_DISKS" ] || must bash "$guest/disks.sh" <<<"$LAB_DISKS"
# The kernel may find a disk some time after it was announced, and until then there is nothing to settle.
wanted=$(grep -c ' in$' <<<"$LAB_DISKS")
for ((tries = 0; tries < 600; tries++)); do
  found=(/sys/block/sd*)
  [ ! -e "${found[0]}" ] && found=()
  [ "${#found[@]}" -lt "$wanted" ] || break
  sleep 0.1
done
udevadm settle

# It says itself when it is ready, and must survive a shortage of memory.
{
  echo -1000 >/proc/self/oom_score_adj
  perl "$guest/exec-server.pl" "$LAB_EXEC_PORT" "$LAB_TOKEN" /run/lab/ready
  fail 'the exec server ended'
} &

if [ -n "$LAB_SCRIPT" ]; then
  (
    set -a
    # shellcheck source=/dev/null
    . "$LOAM_VM/script.env"
    exec bash "$LAB_SCRIPT"
  ) >/run/lab/script.log 2>&1 || echo "lab: $LAB_SCRIPT ended with status $?"
fi &
# Process 1 must stay, and reap what is left to it: with SIGCHLD ignored the kernel does.
exec perl -e '$SIG{CHLD} = "IGNORE"; sleep while 1'
