"""What stands at the output's name: replaced, opened or refused; and what happens when the disk is full."""

import os
import re
import shutil
import stat
import subprocess

import pcapng
import readers
from capture import Capture
from testbed import Testbed, run


class Target(Testbed):
    def setUp(self):
        super().setUp()
        self.veth()
        self.path = self.directory / "capture.pcapng"

    def capture_one(self):
        capture = Capture(self, "-c", "1")
        self.send_numbered(1)
        capture.wait()

    def refuse(self, *options, status=1):
        done = run(self.ringtail, "capture", "-i", "rx0", "-a", "duration:1", *options, status=status)
        lines = done.stderr.splitlines()
        self.assertEqual(1, len(lines), done.stderr)
        self.assertTrue(lines[0].startswith("ringtail: "), done.stderr)
        return lines[0]

    def test_exists_and_is_valid_from_the_start(self):
        capture = Capture(self)
        self.assertEqual(1, len(pcapng.read(self.path).interfaces))
        capture.finish()

    def test_mode(self):
        self.capture_one()
        self.assertEqual(0o600, stat.S_IMODE(self.path.stat().st_mode))
        capture = Capture(self, "-g", "-a", "duration:0.1", wait=False)
        capture.wait()
        self.assertEqual(0o640, stat.S_IMODE(self.path.stat().st_mode))

    def test_existing_file_becomes_another_inode(self):
        self.path.write_text("old")
        with self.path.open() as reader_of_the_old:
            self.capture_one()
            self.assertEqual("old", reader_of_the_old.read())
        self.assertEqual(1, pcapng.read(self.path).packet_count)

    def test_planted_symlink(self):
        treasure = self.directory / "treasure"
        treasure.write_text("gold")
        self.path.symlink_to(treasure)
        message = self.refuse("-w", self.path)
        self.assertIn(str(self.path), message)
        self.assertEqual("gold", treasure.read_text())
        self.assertTrue(self.path.is_symlink())

    def test_planted_dangling_symlink(self):
        self.path.symlink_to(self.directory / "nothing")
        self.refuse("-w", self.path)
        self.assertFalse((self.directory / "nothing").exists())

    def test_planted_hard_link(self):
        treasure = self.directory / "treasure"
        treasure.write_text("gold")
        os.link(treasure, self.path)
        self.refuse("-w", self.path)
        self.assertEqual("gold", treasure.read_text())

    def test_directory(self):
        self.path.mkdir()
        self.assertIn("directory", self.refuse("-w", self.path).lower())

    def test_no_such_directory(self):
        message = self.refuse("-w", self.directory / "none" / "out.pcapng")
        self.assertIn("No such file or directory", message)

    def test_read_only_file_system(self):
        mount = self.mount("ro")
        self.assertIn("Read-only file system", self.refuse("-w", mount / "out.pcapng"))

    def test_directory_removed_while_rotating(self):
        place = self.directory / "ring"
        place.mkdir()
        capture = Capture(self, "-b", "packets:100", path=place / "ring.pcapng")
        self.send_numbered(50)
        shutil.rmtree(place)
        self.send_numbered(1_000, "--first", 50)
        self.assertIn("No such file or directory", capture.wait(status=1)["error"])

    def test_character_device(self):
        capture = self.start(self.ringtail, "capture", "-i", "rx0", "-a", "duration:0.2", "-w", "/dev/null",
                             stderr=subprocess.PIPE)
        self.assertEqual(0, capture.wait(20))
        self.assertTrue(stat.S_ISCHR(os.stat("/dev/null").st_mode))

    def test_without_a_name(self):
        done = run(self.ringtail, "capture", "-i", "rx0", "-a", "duration:0.2", "--temp-dir", self.directory)
        named = re.search(rf"{self.directory}/\S*rx0\S*\.pcapng", done.stderr)
        self.assertTrue(named, done.stderr)
        with open(named.group(), "rb") as file:
            self.assertEqual(b"\x0a\x0d\x0d\x0a", file.read(4))

    def mount(self, options):
        target = self.directory / "mount"
        target.mkdir()
        run("mount", "-t", "tmpfs", "-o", options, "tmpfs", target)
        self.addCleanup(run, "umount", "-l", target)
        return target

    def write_until(self, reason, capture, frames):
        """The capture ends for `reason`: one error line, exit 1, whole records only, every loss in the account."""
        self.send_numbered(frames, "--size", 200)
        account = capture.wait(status=1)
        self.assertIn(reason, account["error"])
        self.assertEqual(1, sum(reason in line for line in capture.errors().splitlines()))
        source = account["sources"][0]
        self.assertGreater(account["dropped_writer"] + source["unread"] + source["dropped_ring"], 0)
        verdict = capture.check_numbers(frames)
        self.assertEqual(account["written_packets"], verdict["packets"])
        self.assertGreater(verdict["packets"], 100, "what fitted is there")

    def test_full_disk(self):
        capture = Capture(self, path=self.mount("size=256k") / "capture.pcapng")
        self.write_until("No space left on device", capture, 10_000)
        pcapng.read(capture.path)

    def test_full_disk_classic_pcap(self):
        capture = Capture(self, "-F", "pcap", path=self.mount("size=256k") / "capture.pcap")
        self.write_until("No space left on device", capture, 10_000)

    def test_full_disk_under_load(self):
        capture = Capture(self, path=self.mount("size=16m") / "capture.pcapng")
        self.write_until("No space left on device", capture, 300_000)

    def test_size_limit_of_the_process(self):
        """RLIMIT_FSIZE: an error, not death by SIGXFSZ."""
        self.ringtail = self.limited(self.ringtail)
        self.write_until("File too large", Capture(self), 5_000)

    def limited(self, program):
        script = self.directory / "limited"
        script.write_text(f"#!/bin/sh\nexec prlimit --fsize=100000 {program} \"$@\"\n")
        script.chmod(0o755)
        return script
