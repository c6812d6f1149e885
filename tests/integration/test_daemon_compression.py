"""ringtaild that compresses what is finished: for zstd and tshark ordinary files, for the quota smaller ones."""

import time

import daemon
import readers
from daemon import check_numbers, files
from test_daemon import DaemonCase, configuration
from testbed import run, wait_until


class Compression(DaemonCase):
    def setUp(self):
        super().setUp()
        self.need_program("zstd")
        self.unpacked = self.directory / "unpacked"
        self.unpacked.mkdir()

    def plain(self):
        return [path for path in files(self.data) if path.suffix != ".zst"]

    def expect_numbers(self, count):
        """What is in the files, compressed or not; every compressed one is whole."""
        paths = []
        for path in files(self.data):
            if path.suffix == ".zst":
                run("zstd", "-qt", path)
                run("zstd", "-qd", path, "-o", self.unpacked / path.stem)
                paths.append(self.unpacked / path.stem)
            else:
                paths.append(path)
        self.assertEqual(0, check_numbers(self, paths, count)["missing"])

    def test_finished_files(self):
        running = self.start_daemon('rotate_packets = 500\ncompress = "zstd"')
        self.send_numbered(5000, "--size", 1000)
        self.delivered(running, 5000)
        # The tenth is full, but not left before the next packet comes.
        running.wait_for("cap", "nine compressed files", lambda now: now["storage"]["compression"]["files"] == 9)
        status = running.status("cap")
        self.assertEqual([], self.plain())
        self.assertEqual(sum(path.stat().st_size for path in files(self.data)), status["storage"]["bytes"])
        figures = status["storage"]["compression"]
        self.assertEqual(len(files(self.data)), figures["files"])
        self.assertEqual(status["storage"]["bytes"], figures["output_bytes"])
        self.assertGreater(figures["input_bytes"], figures["output_bytes"])
        self.assertEqual((0, 0), (figures["waiting_files"], figures["waiting_bytes"]))
        running.finish()
        self.expect_numbers(5000)
        self.assertEqual([], list(self.data.glob(".*")))
        first = files(self.data)[0]
        if "Zstandard" in run("tshark", "--version").stdout:
            self.assertEqual(500, len(readers.fields_of_tshark(self, first, "frame.number")))

    def test_killed_at_any_moment(self):
        """No half file under a final name, no packet lost that was in a finished file."""
        text = configuration(self.data, 'rotate_packets = 200\ncompress = "zstd"', "flush_interval_ms = 20")
        running = daemon.Daemon(self, text)
        sent = 0
        for pause in (0.05, 0.3, 0.6):
            self.send_numbered(2000, "--first", sent, "--size", 1400)
            sent += 2000
            self.delivered(running, 2000)
            time.sleep(0.5 + pause)  # retire timeout, flush interval, and into the middle of compressing
            running.process.kill()
            running.process.wait()
            self.expect_whole_files()
            running.start()
        wait_until(lambda: not self.plain(), "all finished files to be compressed")
        running.finish()
        self.expect_numbers(sent)

    def expect_whole_files(self):
        for path in files(self.data):
            if path.suffix == ".zst":
                run("zstd", "-qt", path)
