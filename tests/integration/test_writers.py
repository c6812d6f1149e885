"""Every writer in every format: no frame torn, lost unseen or invented, whatever becomes of the file."""

import functools
import os
import signal

import readers
from capture import Capture
from testbed import Testbed, run

WRITERS = ("direct", "splice", "write", "mmap")
FORMATS = ("pcapng", "pcap")
FULL_PRESSURE_FRAMES = 10_000_000 if "RINGTAIL_FULL_TESTS" in os.environ else 400_000


def for_every_writer(cls):
    """Makes test_NAME_WRITER_FORMAT(self) of each check_NAME(self, writer, form)."""
    for name in [name for name in vars(cls) if name.startswith("check_")]:
        for writer in WRITERS:
            for form in FORMATS:
                method = functools.partialmethod(getattr(cls, name), writer, form)
                setattr(cls, f"test_{name.removeprefix('check_')}_{writer}_{form}", method)
    return cls


@for_every_writer
class EveryWriter(Testbed):
    def setUp(self):
        super().setUp()
        self.veth()

    def capture(self, writer, form, *options, directory=None):
        path = (directory or self.directory) / f"capture.{form}"
        return Capture(self, "--writer", writer, "-F", form, *options, path=path)

    def check_full_pressure(self, writer, form):
        """A small ring, its blocks given back and filled again and again, and frozen now and then."""
        capture = self.capture(writer, form, "-B", "8")
        refused = 0
        quarter = FULL_PRESSURE_FRAMES // 4
        for part in range(4):
            if part == 2:
                capture.send(signal.SIGSTOP)
            sent = self.send_numbered(quarter, "--mix", "--first", part * quarter)
            capture.send(signal.SIGCONT)
            refused += sent["refused"]
        account = capture.finish()
        if writer != "direct":
            self.assertEqual(writer, account["writer"])
        capture.check_nothing_unaccounted({"refused": refused}, FULL_PRESSURE_FRAMES)

    def check_two_rings_into_one_file(self, writer, form):
        capture = self.capture(writer, form, "--threads", "2", "--one-file")
        sent = self.send_numbered(100_000, "--flows", 64, "--size", 300)
        capture.finish()
        self.assertEqual(1, len(capture.files()))
        capture.check_nothing_unaccounted(sent, 100_000)

    def check_rotation_under_load(self, writer, form):
        capture = self.capture(writer, form, "-b", "filesize:5000")
        sent = self.send_numbered(100_000, "--mix")
        account = capture.finish()
        self.assertGreater(account["files_total"], 3)
        capture.check_nothing_unaccounted(sent, 100_000)

    def check_full_disk(self, writer, form):
        capture = self.capture(writer, form, directory=self.small_disk())
        self.send_numbered(100_000, "--size", 500)
        account = capture.wait(status=1)
        self.assertIn("No space left on device", account["error"])
        verdict = capture.check_numbers(100_000)
        self.assertEqual(account["written_packets"], verdict["packets"])
        self.assertEqual(account["written_bytes"], capture.path.stat().st_size)
        self.assertGreater(verdict["packets"], 1_000, "what fitted is there")

    def check_sigkill(self, writer, form):
        """Every frame in the file is a frame that was sent, and `recover` makes the file whole."""
        for attempt in range(3):
            capture = self.capture(writer, form, "--retire-timeout", "10", "--flush-interval", "50")
            verdict = capture.kill_under_load(0.3 + attempt * 0.0137, "--mix")
            run(self.ringtail, "recover", capture.path)
            self.assertEqual(verdict["packets"], readers.capinfos(self, capture.path)["Number of packets"])
            capture.path.unlink()  # or the next capture would seem to have begun before it has

    def small_disk(self):
        """8 MiB of ext4."""
        image, directory = self.directory / "image", self.directory / "disk"
        directory.mkdir()
        run("truncate", "-s", "8M", image)
        run("mkfs.ext4", "-q", image)
        if run("mount", "-o", "loop", image, directory, status=None).returncode != 0:
            self.skipTest("no loop device here")
        self.addCleanup(run, "umount", "-l", directory)
        return directory
