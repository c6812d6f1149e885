#!/usr/bin/env python3
"""Runs one integration case in network, mount and process namespaces of its own.

    run.py --list                                   names of all cases
    run.py --build build/dev test_frames.Frames.test_jumbo

Whatever a case leaves behind (links, mounts, processes) goes with its namespaces, also when it is killed. Exit status:
0 passed, 1 failed, 77 skipped with the reason printed.
"""

import argparse
import os
import pathlib
import signal
import subprocess
import sys
import unittest

import testbed

SKIPPED = 77
HERE = pathlib.Path(__file__).resolve().parent


def load(name=None):
    loader = unittest.TestLoader()
    suite = loader.loadTestsFromName(name) if name else loader.discover(str(HERE))
    if loader.errors:
        sys.exit("\n".join(loader.errors))
    return suite


def cases_of(suite):
    for part in suite:
        if isinstance(part, unittest.TestSuite):
            yield from cases_of(part)
        else:
            yield part


def why_impossible():
    if os.geteuid() != 0:
        return "network namespaces need root"
    probe = subprocess.run(["unshare", *NAMESPACES, "true"], capture_output=True, text=True, timeout=10)
    return None if probe.returncode == 0 else "no private namespaces here: " + probe.stderr.strip()


NAMESPACES = ["--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"]


def run_inside(name):
    def give_up(number, _frame):
        raise TimeoutError(f"signal {signal.Signals(number).name}")

    for number in (signal.SIGALRM, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, give_up)
    suite = load(name)
    signal.alarm(max(case.longest_seconds for case in cases_of(suite)))
    testbed.keep_kernel_quiet()
    result = unittest.TextTestRunner(verbosity=2, stream=sys.stdout).run(suite)
    for _, reason in result.skipped:
        print("SKIPPED:", reason)
    if not result.wasSuccessful():
        return 1
    return SKIPPED if result.skipped else 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--build", type=pathlib.Path)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("case", nargs="?")
    options = parser.parse_args()
    sys.path.insert(0, str(HERE))
    if options.list:
        print("\n".join(case.id() for case in cases_of(load())))
        return 0
    testbed.build_directory = options.build.resolve()
    if options.inside:
        return run_inside(options.case)
    if reason := why_impossible():
        print("SKIPPED:", reason)
        return SKIPPED
    again = [sys.executable, "-B", str(HERE / "run.py"), "--inside", "--build", str(options.build), options.case]
    os.execvp("unshare", ["unshare", *NAMESPACES, *again])


if __name__ == "__main__":
    sys.exit(main())
