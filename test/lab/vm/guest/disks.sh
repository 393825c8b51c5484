#!/bin/bash
# Makes the SCSI disks of a VM. Input: one line a disk, "NAME BYTES SERIAL MODEL in|out".
# A disk is a file in an ext4 on /dev/ubda, served by the kernel's own SCSI target (LIO) with buffered I/O. Its volatile
# write cache is this VM's page cache: with the periodic write-back off, only a flush of the disk (SYNCHRONIZE CACHE)
# sends it on to the host's file, which outlives the VM.
set -e
echo 0 >/proc/sys/vm/dirty_writeback_centisecs
mount -t configfs configfs /sys/kernel/config
stores=/sys/kernel/config/target/core/fileio_0
port=/sys/kernel/config/target/loopback/naa.6001405000000001/tpgt_1
mapfile -t disks
folders=("$port")
for lun in "${!disks[@]}"; do
  folders+=("$stores/${disks[lun]%% *}" "$port/lun/lun_$lun")
done
mkdir -p "${folders[@]}"
echo naa.6001405000000002 >"$port/nexus"

for lun in "${!disks[@]}"; do
  read -r name bytes serial model place <<<"${disks[lun]}"
  file=/run/disks/$name.img
  [ -e "$file" ] || truncate -s "$bytes" "$file"
  store=$stores/$name
  echo "fd_dev_name=$file,fd_dev_size=$bytes,fd_buffered_io=1" >"$store/control"
  echo "$serial" >"$store/wwn/vpd_unit_serial"
  echo "$model" >"$store/wwn/product_id"
  echo 1 >"$store/enable"
  # The file system below frees what is discarded, and it reads as zeros afterwards.
  echo 1 >"$store/attrib/emulate_tpu"
  [ "$place" = out ] || ln -s "$store" "$port/lun/lun_$lun/port"
done
