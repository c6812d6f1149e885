#!/usr/bin/env bash
# Shows, reserves and releases the huge pages that DPDK takes its memory from. Changes nothing without --apply.
#
#   scripts/hugepages.sh                        show what there is, and who has it
#   scripts/hugepages.sh --apply reserve 256    have at least 256 pages of 2 MiB in all, free ones and used ones
#   scripts/hugepages.sh --apply set 256        have that many, and give back what is free beyond them
#   scripts/hugepages.sh --apply release        give the free ones back
#
#   --size 2M|1G     which pages (default 2M)
#   --node N         on this NUMA node only
#   --apply          do it; without it the commands are only printed
#
# ringtail needs no hugetlbfs mount, unless DPDK is told to share memory with other processes (--file-prefix).
set -euo pipefail

apply=false
size_kb=2048
node=
command=show
count=

usage() {
  echo "hugepages: $1 (see the head of this script)" >&2
  exit 2
}

while (($# > 0)); do
  case "$1" in
    --apply) apply=true ;;
    --size)
      case "${2:-}" in
        2M) size_kb=2048 ;;
        1G) size_kb=1048576 ;;
        *) usage "--size wants 2M or 1G" ;;
      esac
      shift
      ;;
    --node)
      [[ ${2:-} =~ ^[0-9]+$ ]] || usage "--node wants a number"
      node=$2
      shift
      ;;
    show | release) command=$1 ;;
    reserve | set)
      [[ ${2:-} =~ ^[0-9]+$ ]] || usage "$1 wants a number of pages"
      command=$1 count=$2
      shift
      ;;
    -h | --help)
      sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$0"
      exit 0
      ;;
    *) usage "unknown argument '$1'" ;;
  esac
  shift
done

pool_of() {  # directory of the page size, for the whole machine or one node
  if [[ -n $node ]]; then
    echo "/sys/devices/system/node/node$node/hugepages/hugepages-${size_kb}kB"
  else
    echo "/sys/kernel/mm/hugepages/hugepages-${size_kb}kB"
  fi
}

show() {
  local pool name
  printf '%-28s %8s %8s\n' "pool" "pages" "free"
  for pool in /sys/kernel/mm/hugepages/hugepages-* /sys/devices/system/node/node*/hugepages/hugepages-*; do
    [[ -d $pool ]] || continue
    name=${pool##*/hugepages-}
    [[ $pool == */node/* ]] && name="$name $(grep -o 'node[0-9]\+' <<<"$pool" | tail -1)"
    printf '%-28s %8s %8s\n' "$name" "$(<"$pool/nr_hugepages")" "$(<"$pool/free_hugepages")"
  done
  local holder
  for holder in /proc/[0-9]*; do
    if grep -qs 'kernelpagesize_kB=\(2048\|1048576\)' "$holder/numa_maps"; then
      echo "used by: ${holder#/proc/} $(tr '\0' ' ' <"$holder/cmdline")"
    fi
  done
}

set_pages() {  # the kernel takes as many as it finds contiguous memory for
  local pool wanted=$1 have
  pool=$(pool_of)
  [[ -d $pool ]] || { echo "hugepages: this machine has no $pool" >&2; exit 1; }
  if ! $apply; then
    echo "would run: echo $wanted > $pool/nr_hugepages   (now $(<"$pool/nr_hugepages"); --apply does it)"
    return
  fi
  echo "$wanted" >"$pool/nr_hugepages" || { echo "hugepages: cannot write $pool/nr_hugepages; are you root?" >&2; exit 1; }
  have=$(<"$pool/nr_hugepages")
  echo "$have pages of $size_kb KiB"
  if ((have < wanted)); then
    echo "hugepages: the kernel found room for $have of $wanted; memory is fragmented: reserve early after booting" >&2
    exit 1
  fi
}

case $command in
  show) show ;;
  reserve)
    pool=$(pool_of)
    if [[ -d $pool ]] && (($(<"$pool/nr_hugepages") >= count)); then
      echo "$(<"$pool/nr_hugepages") pages of $size_kb KiB already; nothing to do ('set' makes them fewer)"
    else
      set_pages "$count"
    fi
    ;;
  set) set_pages "$count" ;;
  release)
    pool=$(pool_of)
    [[ -d $pool ]] || { echo "hugepages: this machine has no $pool" >&2; exit 1; }
    set_pages "$(($(<"$pool/nr_hugepages") - $(<"$pool/free_hugepages")))"
    ;;
esac
