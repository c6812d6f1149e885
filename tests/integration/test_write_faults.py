"""System calls on the way into the file that fail: strace puts an errno in their place."""

import shlex
import shutil
import signal
import time

from capture import Capture
from testbed import Testbed

NO_IO_URING = "io_uring_setup:error=EPERM"
FRAMES = 60_000

# What costs time or the cheaper way, and nothing else. "when" counts each thread's calls for itself.
HARMLESS = {
    "direct": [["io_uring_enter:error=EINTR:when=2+2"],
               ["io_uring_enter:error=EAGAIN:when=3+"],
               [NO_IO_URING, "pwritev:error=EINTR:when=1+2"],
               [NO_IO_URING, "pwritev:error=ENOSPC:when=2"],
               [NO_IO_URING, "pwritev:error=EINVAL:when=1+"],
               ["pwrite64:error=EINTR:when=1+2"]],
    "splice": [["vmsplice:error=EINTR:when=1+2"],
               ["vmsplice:error=ENOMEM:when=2"],
               ["splice:error=EINTR:when=1+2"],
               ["splice:error=EINVAL:when=1"],
               ["splice:error=ENOSPC:when=3"],
               ["pwrite64:error=EINTR:when=1+2"]],
    "write": [["write:error=EINTR:when=1+2"],
              ["write:error=EAGAIN:when=1+3"],
              ["sync_file_range:error=EINTR:when=1+2"],
              ["sync_file_range:error=ENOSYS:when=1"]],
    "mmap": [["pwrite64:error=EINTR:when=1+2"],
             ["mmap:error=ENOMEM:when=2"],
             ["sync_file_range:error=EINTR:when=1+2"]],
}

# What ends the file.
FATAL = {
    "direct": [["pwrite64:error=EIO:when=2"],
               ["pwrite64:error=ENOSPC:when=2"],
               [NO_IO_URING, "pwritev:error=EIO:when=3"]],
    "splice": [["splice:error=EIO:when=3"],
               ["pwrite64:error=EIO:when=2"],
               ["splice:error=ENOSPC:when=3+", "pwritev:error=ENOSPC:when=1+", "pwrite64:error=ENOSPC:when=2+"]],
    "write": [["write:error=EIO:when=5"],
              ["write:error=ENOSPC:when=5"],
              ["sync_file_range:error=EIO:when=2"]],
    "mmap": [["pwrite64:error=ENOSPC:when=50+"],
             ["pwrite64:error=EIO:when=2+"],
             ["ftruncate:error=EIO:when=2"],
             ["sync_file_range:error=EIO:when=2"]],
}

REASONS = {"EIO": "Input/output error", "ENOSPC": "No space left on device"}


def call_of(injection):
    return injection.partition(":")[0]


def name_of(injections):
    return "_".join(injections).replace(":error=", "_").replace(":when=", "_").replace("+", "and_every")


class WriteFaults(Testbed):
    def setUp(self):
        super().setUp()
        self.need_program("strace")
        self.veth()
        self.path = self.directory / "capture.pcapng"

    def injected(self, injections):
        """The program with these errors. io_uring's calls name no file; all others count for the capture's file only."""
        calls = [call_of(injection) for injection in injections]
        options = ["-D", "-f", "-qq", "-o", self.directory / "strace.log", "-e", "trace=" + ",".join(calls)]
        if not any(call.startswith(("io_uring", "vmsplice")) for call in calls):
            options += ["-P", self.path]
        for injection in injections:
            options += ["-e", "inject=" + injection]
        script = self.directory / "injected"
        words = " ".join(shlex.quote(str(word)) for word in [shutil.which("strace"), *options, self.ringtail])
        script.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
        script.chmod(0o755)
        return script

    def start_with(self, injections, writer, *options):
        self.ringtail = self.injected(injections)
        return Capture(self, "--writer", writer, *options, path=self.path)

    def expect_injected(self):
        self.assertIn("(INJECTED)", (self.directory / "strace.log").read_text(), "nothing was injected")

    def expect_harmless(self, writer, injections):
        capture = self.start_with(injections, writer)
        sent = self.send_numbered(FRAMES, "--mix")
        capture.finish()
        capture.check_nothing_unaccounted(sent, FRAMES)
        self.expect_injected()

    def expect_fatal(self, writer, injections, *options):
        """One error that names the reason; the file ends after its last whole record, and the books say so. In classic
        pcap, which has no fillers, every flush has an odd end to write."""
        capture = self.start_with(injections, writer, "-F", "pcap", "--flush-interval", "100", *options)
        for part in range(3):
            self.send_numbered(FRAMES // 3, "--mix", "--first", part * FRAMES // 3)
            time.sleep(0.5)  # a flush, and somewhere a sync
        if capture.process.poll() is None:
            capture.send(signal.SIGINT)
        account = capture.wait(status=1)
        reason = REASONS[injections[-1].split("error=")[1].partition(":")[0]]
        self.assertIn(reason, account["error"])
        verdict = capture.check_numbers(FRAMES)
        self.assertEqual(account["written_packets"], verdict["packets"])
        self.assertEqual(account["written_bytes"], self.path.stat().st_size)
        self.expect_injected()


def add_cases():
    def add(name, method, *arguments):
        def case(self):
            getattr(self, method)(*arguments)
        setattr(WriteFaults, name, case)

    for writer, cases in HARMLESS.items():
        for injections in cases:
            add(f"test_{writer}_outlives_{name_of(injections)}", "expect_harmless", writer, injections)
    for writer, cases in FATAL.items():
        for injections in cases:
            add(f"test_{writer}_ends_by_{name_of(injections)}", "expect_fatal", writer, injections)
        add(f"test_{writer}_ends_by_a_failed_sync", "expect_fatal", writer, ["fdatasync:error=EIO:when=1"],
            "--sync-interval", "1")
        add(f"test_{writer}_ends_by_a_failed_close", "expect_fatal", writer, ["close:error=EIO:when=1+"])


add_cases()
