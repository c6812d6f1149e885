#!/usr/bin/env python3
"""Packets per second between two processes over memif and vhost: into `ringtail count` and into testpmd's rxonly mode.

    tests/bench/dpdk_paths.py --build build/release --seconds 5 --rounds 5

The sender is testpmd (txonly, 64 bytes, full speed) on the first CPU, the receiver is alone on the second one. Needs
root, two CPUs and 160 huge pages of 2 MiB, which it reserves and gives back. Prints medians and their ratio.
"""

import argparse
import os
import pathlib
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))

import testbed  # noqa: E402
from dpdk import Count, DpdkTestbed, Testpmd  # noqa: E402

PATHS = ("memif", "vhost")
RECEIVERS = ("ringtail", "testpmd")


class Paths(DpdkTestbed):
    """One bench, dressed as a case for its helpers."""

    def runTest(self):
        pass

    def devices(self, path):
        """What the receiver opens, and what the sender opens."""
        if path == "vhost":
            return f"net_vhost0,iface={self.socket}", f"net_virtio_user0,path={self.socket},queue_size=1024"
        address = f"socket={self.socket},socket-abstract=no"
        return f"net_memif0,role=server,{address}", f"net_memif0,role=client,zero-copy=yes,{address}"

    def measure(self, path, receiver, cpus, seconds):
        """Packets per second that the receiver made room for."""
        device, peer = self.devices(path)
        self.socket.unlink(missing_ok=True)
        if receiver == "ringtail":
            os.sched_setaffinity(0, {cpus[1]})
            sink = Count(self, f"dpdk:{device}")
        else:
            sink = Testpmd(self, device, mode="rxonly", cpus=[cpus[1]])
            sink.start()
        os.sched_setaffinity(0, set(cpus))
        testbed.wait_until(self.socket.exists, "a socket to connect to")
        time.sleep(1)
        sender = Testpmd(self, peer, mode="txonly", cpus=[cpus[0]])
        sender.start()
        begin = time.monotonic()
        time.sleep(seconds)
        elapsed = time.monotonic() - begin
        sent = sender.stop()
        if receiver == "ringtail":
            sink.finish()
        else:
            sink.stop()
            sink.quit()
        sender.quit()
        return sent / elapsed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    testbed.build_directory = options.build.resolve()
    cpus = sorted(os.sched_getaffinity(0))[:2]
    if len(cpus) < 2:
        sys.exit("dpdk_paths: two CPUs are needed, one for each side")
    bench = Paths()
    bench.setUp()
    try:
        bench.reserve_huge_pages(160)
        print(f"{'path':8}{'ringtail':>14}{'testpmd':>14}{'ratio':>8}")
        for path in PATHS:
            rates = {receiver: [] for receiver in RECEIVERS}
            for _ in range(options.rounds):  # in turn, so that a disturbance meets both
                for receiver in RECEIVERS:
                    rates[receiver].append(bench.measure(path, receiver, cpus, options.seconds))
            ringtail, testpmd = (statistics.median(rates[receiver]) for receiver in RECEIVERS)
            print(f"{path:8}{ringtail:14,.0f}{testpmd:14,.0f}{ringtail / testpmd:8.3f}")
    finally:
        bench.doCleanups()


if __name__ == "__main__":
    main()
