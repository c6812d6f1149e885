"""Disks that are slow, frozen or taken away: what the capture has taken stays, what is lost is counted."""

import os
import pathlib
import re
import signal

from capture import Capture
from testbed import Testbed, run, wait_until


class Traced(Testbed):
    """Captures under strace, which can make a system call slow or fail."""

    def setUp(self):
        super().setUp()
        self.need_program("strace")
        self.veth()
        self.trace = self.directory / "trace"

    def trace_capture(self, *strace_options):
        """Captures that follow run under strace. `-f --seccomp-bpf`: only the traced calls cost anything."""
        script = self.directory / "traced"
        words = " ".join(["strace", "-f", "-y", "--seccomp-bpf", "-o", str(self.trace), *strace_options])
        script.write_text(f"#!/bin/sh\nexec {words} {self.ringtail} \"$@\"\n")
        script.chmod(0o755)
        self.ringtail = script

    def end(self, capture):
        """strace keeps signals to itself; the program under it takes them."""
        children = pathlib.Path(f"/proc/{capture.process.pid}/task/{capture.process.pid}/children")
        os.kill(int(children.read_text().split()[0]), signal.SIGINT)


class SlowDisk(Traced):
    def test_slow_syncs_do_not_stop_a_rotating_capture(self):
        """Every sync takes half a second, files change every 50 ms' worth of packets: nothing is lost meanwhile."""
        self.trace_capture("-e", "trace=fdatasync", "-e", "inject=fdatasync:delay_enter=500000")
        capture = Capture(self, "-b", "packets:5000", "--sync-interval", "1")
        sent = self.send_numbered(15_000, "--rate", 50_000)
        wait_until(lambda: len(capture.files()) == 3, "the third file, with the first still being synced")
        self.end(capture)
        account = capture.wait()
        self.assertEqual(15_000, account["written_packets"])
        verdict = capture.check_nothing_unaccounted(sent, 15_000)
        self.assertEqual(0, verdict["missing"])
        self.assertEqual(0, verdict["out_of_order"])

    def test_sync_that_fails_ends_the_capture(self):
        """The kernel reports a lost page once; the next sync would succeed. So the first error is final."""
        self.trace_capture("-e", "trace=fdatasync", "-e", "inject=fdatasync:error=EIO:when=1")
        capture = Capture(self, "--sync-interval", "1")
        self.send_numbered(20_000, "--rate", 5_000)
        account = capture.wait(status=1)
        self.assertRegex(account["error"], f"^sync {re.escape(str(capture.path))}: .*Input/output error")
        verdict = capture.check_numbers(20_000)
        self.assertEqual(account["written_packets"], verdict["packets"])

    def test_order_of_a_power_cuts_promise(self):
        """Each file's data goes to the disk before it is closed, and the directory with its name after that."""
        self.trace_capture("-e", "trace=fdatasync,fsync,linkat,close")
        capture = Capture(self, "-b", "packets:1000", "--sync-interval", "60")
        self.send_numbered(3_500, "--rate", 20_000)
        wait_until(lambda: len(capture.files()) == 4, "the fourth file")
        self.end(capture)
        capture.wait()
        calls = re.findall(rf"(fdatasync|fsync|close)\(\d+<({self.directory}[^>]*)>", self.trace.read_text())
        synced = [path for call, path in calls if call == "fdatasync"]
        self.assertEqual(4, len(synced), calls)
        for path in synced:
            at = calls.index(("fdatasync", path))
            self.assertNotIn(("close", path), calls[:at])
            self.assertIn(("fsync", str(self.directory)), calls[at:])
