"""`ringtail recover`: what crashes leave behind becomes a file that every reader takes, and nothing is invented."""

import itertools
import json
import os
import signal
import time

import pcapng
import readers
from capture import Capture
from testbed import Testbed, run


class Recover(Testbed):
    def setUp(self):
        super().setUp()
        self.veth()

    def recover(self, *words, status=0):
        account = json.loads(run(self.ringtail, "recover", "--json", *words, status=status).stdout)
        self.assertEqual(1, len(account["files"]))
        return account["files"][0]

    def check_readers(self, path, packets):
        self.assertEqual(packets, readers.capinfos(self, path)["Number of packets"])
        done = run("tshark", "-r", path, "-n", "-T", "fields", "-e", "frame.number")
        self.assertEqual(packets, len(done.stdout.split()))
        self.assertNotIn("tshark: ", done.stderr)
        self.assertEqual(packets, len(readers.frames_of(self, path)))

    def captured(self, *options, name="capture.pcapng", frames=30_000):
        capture = Capture(self, *options, path=self.directory / name)
        self.send_numbered(frames, "--size", 1000)
        self.assertEqual(frames, capture.finish()["written_packets"])
        return capture

    def test_killed_captures(self):
        for name, options in (("a.pcapng", ()), ("b.pcap", ("-F", "pcap")), ("c.pcapng", ("--writer", "mmap")),
                              ("d.pcap", ("-F", "pcap", "--writer", "mmap"))):
            with self.subTest(name):
                capture = Capture(self, *options, path=self.directory / name)
                sender = self.start(self.helper("frame_sender"), "-i", "tx0", "--count", 100_000, "--mix")
                time.sleep(0.1)
                capture.send(signal.SIGKILL)
                capture.process.wait()
                sender.kill()
                account = self.recover(capture.path)
                self.assertIn(account["state"], ("fine", "recovered"))
                self.check_readers(capture.path, account["packets"])
                capture.check_numbers(100_000)
                self.assertEqual("fine", self.recover("-n", capture.path)["state"])

    def test_torn_tail(self):
        for name, options in (("out.pcapng", ()), ("out.pcap", ("-F", "pcap"))):
            with self.subTest(name):
                capture = self.captured(*options, name=name, frames=1_000)
                size = capture.path.stat().st_size
                os.truncate(capture.path, size // 2 + 1)
                self.assertEqual("recoverable", self.recover("-n", capture.path, status=1)["state"])
                account = self.recover(capture.path)
                self.assertEqual("recovered", account["state"])
                self.check_readers(capture.path, account["packets"])
                self.assertEqual(0, capture.check_numbers(account["packets"])["missing"])

    def test_hole(self):
        """A chunk in the middle that never reached the disk, though later ones did."""
        capture = self.captured("--layout", "dilate")
        lengths = [12 + len(body) for _, body in pcapng.blocks(capture.path.read_bytes())]
        aligned = [at for at in itertools.accumulate(lengths) if at % 4096 == 0]
        if len(aligned) < 3:
            self.skipTest("no direct I/O here, so no chunk begins at a multiple of 4096")
        begin, end = aligned[0], aligned[1]
        run("fallocate", "--punch-hole", "--offset", begin, "--length", end - begin, capture.path)
        account = self.recover(capture.path)
        self.assertEqual((1, end - begin), (account["holes"], account["filled_bytes"]))
        self.assertGreater(account["packets"], account["packets_before"])
        self.check_readers(capture.path, account["packets"])
        verdict = capture.check_numbers(30_000)
        self.assertEqual(30_000, verdict["packets"] + verdict["missing"])

    def test_fine_file_is_not_touched(self):
        capture = self.captured(frames=100)
        before = capture.path.stat()
        done = run(self.ringtail, "recover", capture.path)
        self.assertEqual(f"{capture.path}: fine, 100 packets\n", done.stdout)
        after = capture.path.stat()
        self.assertEqual((before.st_mtime_ns, before.st_ctime_ns), (after.st_mtime_ns, after.st_ctime_ns))

    def test_running_capture_is_left_alone(self):
        capture = Capture(self)
        self.send_numbered(100)
        account = self.recover(capture.path, status=1)
        self.assertEqual("failed", account["state"])
        self.assertIn("another program is writing it", account["error"])
        self.assertEqual(100, capture.finish()["written_packets"])
