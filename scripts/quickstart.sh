#!/usr/bin/env bash
# Builds ringtail and shows it at work.
#
#   scripts/quickstart.sh                captures 1,000,000 generated frames on a private pair of virtual interfaces
#   scripts/quickstart.sh -i eth0 ...    runs `ringtail capture -i eth0 ...`
#
# Needs root on Debian 12; installs what is missing. Leaves nothing behind but the build folder.
set -euo pipefail
project=$(cd "$(dirname "$0")/.." && pwd)
ringtail=$project/build/release/tools/ringtail

build() {
  "$project/scripts/install-dependencies.sh" --build
  cd "$project"
  cmake --preset release -DRINGTAIL_TESTS=OFF >/dev/null
  cmake --build --preset release
}
(build)
(($# == 0)) || exec "$ringtail" capture "$@"

# ---- The demonstration: a sender in one network namespace, ringtail in another ---------------------------------------

frames=1000000
frame_bytes=128
longest_s=120

directory=$(mktemp -d "$project/build/quickstart.XXXXXX")
children=()
clean_up() {
  ((${#children[@]} == 0)) || kill "${children[@]}" 2>/dev/null || true
  wait
  rm -rf "$directory"
}
trap clean_up EXIT

# A namespace lives as long as a process is in it, so nothing stays behind, whatever happens to this script.
new_namespace() { # VARIABLE
  unshare --net sleep "$longest_s" &
  children+=("$!")
  printf -v "$1" '%s' "$!"
  local attempt
  for attempt in {1..100}; do
    [[ $(readlink "/proc/$!/ns/net") == $(readlink /proc/self/ns/net) ]] || return 0
    sleep 0.05
  done
  echo "quickstart: cannot make a network namespace (root with CAP_SYS_ADMIN is needed)" >&2
  exit 1
}
new_namespace sending
new_namespace capturing
in_namespace() { nsenter --target "$1" --net -- "${@:2}"; }

# IPv6 goes off before there is a link, so that the kernel sends no frames of its own.
for namespace in "$sending" "$capturing"; do
  in_namespace "$namespace" sh -c 'echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6' 2>/dev/null || true
done
in_namespace "$sending" ip link add sender0 type veth peer name ringtail0 netns "$capturing"
in_namespace "$sending" ip link set sender0 up
in_namespace "$capturing" ip link set ringtail0 up

capture=$directory/quickstart.pcapng
summary=$directory/summary.json
# Not through in_namespace: $! has to be ringtail itself, not a shell around it.
nsenter --target "$capturing" --net -- \
  "$ringtail" capture -i ringtail0 -w "$capture" -a "duration:$longest_s" --json "$summary" &
capturer=$!
children+=("$capturer")
until [[ -s $capture ]]; do # it has a header from the moment capture starts
  kill -0 "$capturer" 2>/dev/null || { wait "$capturer"; exit 1; }
  sleep 0.05
done

cat >"$directory/frames.trafgen" <<EOF
{
  eth(da=02:00:00:00:00:02, sa=02:00:00:00:00:01),
  ipv4(sa=192.0.2.1, da=192.0.2.2, ttl=64),
  udp(sp=1024, dp=9, csum=0),
  fill('r', $((frame_bytes - 14 - 20 - 8))),
}
EOF
in_namespace "$sending" trafgen --dev sender0 --conf "$directory/frames.trafgen" --num "$frames" --cpus 1 >/dev/null
kill -INT "$capturer"
wait "$capturer"

printf '\n== capinfos: what is in the file\n'
capinfos -t -E -c -d -u -i -z "$capture"
printf '\n== tshark: its first packets\n'
tshark -r "$capture" -c 5 2>/dev/null

printf '\n== the books\n'
jq -r '.sources[0] | "received = delivered + dropped: \(.received) = \(.delivered) + \(.dropped_ring)"' "$summary"
accounted=$(jq '.sources[0] | .received + .dropped_interface' "$summary")
echo "frames sent: $frames, received or dropped before the ring: $accounted"
((accounted == frames))
