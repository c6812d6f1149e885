"""Disks that are slow, frozen or taken away: what the capture has taken stays, what is lost is counted."""

import os
import pathlib
import re
import signal
import time

from capture import Capture
from disks import OwnDisk
from testbed import Testbed, run, wait_until


class FrozenDisk(OwnDisk, Testbed):
    def setUp(self):
        super().setUp()
        self.veth()
        self.make_disk()

    def ride_out_a_freeze(self, *options, path="capture.pcapng"):
        """Frozen in the middle of a capture: the ring fills, losses are counted, and afterwards all goes on."""
        capture = Capture(self, "-B", "4", *options, path=self.mount / path)
        refused = self.send_numbered(1_000)["refused"]
        self.freeze()
        refused += self.send_numbered(100_000, "--first", 1_000, "--size", 200)["refused"]
        before = len(capture.errors())
        capture.send(signal.SIGUSR1)
        wait_until(lambda: "dropped by the ring" in capture.errors()[before:], "an answer in spite of the disk")
        self.thaw()
        refused += self.send_numbered(1_000, "--first", 101_000, "--rate", 5_000)["refused"]
        account = capture.finish()
        self.assertGreater(account["sources"][0]["dropped_ring"], 0)
        self.assertGreater(account["sources"][0]["freezes"], 0)
        verdict = capture.check_nothing_unaccounted({"refused": refused}, 102_000)
        self.assertEqual(0, verdict["out_of_order"])

    def test_direct(self):
        self.ride_out_a_freeze("--writer", "direct")

    def test_write(self):
        self.ride_out_a_freeze("--writer", "write")

    def test_mmap_in_a_ring_of_files(self):
        self.ride_out_a_freeze("--writer", "mmap", "-b", "packets:10000")

    def test_one_file_of_two_threads(self):
        self.ride_out_a_freeze("--threads", "2", "--one-file")

    def test_an_end_that_is_asked_for_meanwhile_comes_after_the_thaw(self):
        capture = Capture(self, path=self.mount / "capture.pcapng")
        self.send_numbered(10_000)
        self.freeze()
        refused = self.send_numbered(10_000, "--first", 10_000)["refused"]
        capture.send(signal.SIGINT)
        time.sleep(0.3)
        self.thaw()
        capture.wait()
        capture.check_nothing_unaccounted({"refused": refused}, 20_000)

    def test_disk_that_turns_read_only(self):
        """As after an error of the disk (mount -o errors=remount-ro)."""
        device = run("findmnt", "-n", "-o", "SOURCE", self.mount).stdout.strip()
        trigger = pathlib.Path("/sys/fs/ext4") / pathlib.Path(device).name / "trigger_fs_error"
        if not trigger.exists():
            self.skipTest(f"the kernel has no {trigger}")
        capture = Capture(self, "-b", "packets:1000", path=self.mount / "capture.pcapng")
        self.send_numbered(2_500, "--rate", 20_000)
        trigger.write_text("1")
        self.send_numbered(20_000, "--first", 2_500, "--rate", 20_000)
        account = capture.wait(status=1)
        self.assertRegex(account["error"], "Read-only file system|Input/output error|Structure needs cleaning")
        self.assertGreaterEqual(account["written_packets"], 1_000)


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
