#!/usr/bin/env python3
"""CPU per packet of ringtaild against `ringtail capture` with the same writer, on a private pair of links. With --flight
that of a daemon whose flight recorder is armed, against `ringtail count`.

    tests/bench/daemon_cost.py [--build build/release] [--rounds 5] [--frames 3000000] [--size 512] [--rate 500000]
                               [--writer direct] [--set writer_thread=false]... [--flight]

Needs root, a machine that does nothing else, and a release build with its tests (frame_sender). Runs the two in turn, as
often as --rounds says, and prints nanoseconds per delivered packet of each round, and the ratio of the medians.
"""

import argparse
import json
import os
import pathlib
import statistics
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))

import testbed  # noqa: E402
from capture import Capture  # noqa: E402
from daemon import Daemon  # noqa: E402
from dpdk import Count  # noqa: E402

NAMESPACES = ["--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"]


class Comparison(testbed.Testbed):
    options = None

    def cost_of_traffic(self, process):
        """CPU nanoseconds of the process, all its threads, while the frames come: start and end do not count."""
        clock = (~process.pid << 3) | 2  # clock_getcpuclockid(3); 2: of the scheduler, all threads (CPUCLOCK_SCHED)
        before = time.clock_gettime_ns(clock)
        self.send()
        time.sleep(1)  # the last block, and its way to the disk
        return time.clock_gettime_ns(clock) - before

    def send(self):
        options = self.options
        self.send_numbered(options.frames, "--size", options.size, "--rate", options.rate,
                           seconds=60 + 2 * options.frames / max(options.rate, 100_000))

    def measure_capture(self):
        path = self.directory / "capture.pcapng"
        capture = Capture(self, "--writer", self.options.writer, path=path)
        spent = self.cost_of_traffic(capture.process)
        delivered = capture.finish()["delivered"]
        path.unlink()
        return spent / max(1, delivered), delivered

    def measure_daemon(self):
        data = self.directory / "data"
        data.mkdir()
        keys = "\n".join([f'writer = "{self.options.writer}"', *self.options.set])
        costs = self.cost_of_daemon(f'{keys}\n[capture.storage]\ndirectory = "{data}"\n')
        for path in data.iterdir():
            path.unlink()
        data.rmdir()
        return costs

    def measure_count(self):
        count = Count(self, "rx0")
        spent = self.cost_of_traffic(count.process)
        delivered = count.finish()["delivered"]
        return spent / max(1, delivered), delivered

    def measure_flight(self):
        keys = "\n".join(["buffer_mib = 64", *self.options.set])
        return self.cost_of_daemon(f"{keys}\n[capture.flight]\nseconds = 30\n[capture.share]\nenabled = false\n")

    def cost_of_daemon(self, configuration):
        running = Daemon(self, f'[[capture]]\nname = "cap"\ninterfaces = ["rx0"]\n{configuration}')
        spent = self.cost_of_traffic(running.process)
        delivered = running.status("cap")["delivered"]
        running.finish()
        return spent / max(1, delivered), delivered

    def runTest(self):  # noqa: N802: unittest's name for it
        self.veth()
        contestants = {"ringtail capture": self.measure_capture, "ringtaild": self.measure_daemon}
        if self.options.flight:
            contestants = {"ringtail count": self.measure_count, "ringtaild": self.measure_flight}
        results = {name: [] for name in contestants}
        for number in range(self.options.rounds):
            for name, measure in contestants.items():
                cost, delivered = measure()
                results[name].append(cost)
                print(f"round {number + 1}: {name:16} {cost:8.1f} ns per packet, {delivered} delivered", flush=True)
        medians = {name: statistics.median(costs) for name, costs in results.items()}
        base, daemon = medians.values()
        ratio = daemon / base
        print(json.dumps({"median_ns_per_packet": medians, "ratio": round(ratio, 3)}))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=HERE.parents[1] / "build" / "release")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--frames", type=int, default=3_000_000)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--rate", type=int, default=500_000, help="frames per second; 0: as fast as it goes")
    parser.add_argument("--writer", default="direct")
    parser.add_argument("--set", action="append", default=[], help="a key of the daemon's [[capture]], as key=value")
    parser.add_argument("--flight", action="store_true", help="an armed flight recorder against `ringtail count`")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not options.inside:
        os.execvp("unshare", ["unshare", *NAMESPACES, sys.executable, "-B", __file__, "--inside", *sys.argv[1:]])
    testbed.build_directory = options.build.resolve()
    testbed.keep_kernel_quiet()
    Comparison.options = options
    result = Comparison().run()
    for _, text in [*result.failures, *result.errors]:
        print(text, file=sys.stderr)
    return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
