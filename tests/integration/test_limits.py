"""Stop conditions and rings of files: exact, and nothing is lost at the seams."""

import json
import os
import re
import subprocess
import time

import readers
from capture import Capture
from testbed import Testbed, run, wait_until, wait_until_bound


class StopConditions(Testbed):
    def setUp(self):
        super().setUp()
        self.veth()

    def stop_by(self, *condition, frames=5_000, options=()):
        capture = Capture(self, *condition)
        self.send_numbered(frames, *options)
        return capture, capture.wait()

    def test_count_is_exact(self):
        capture, account = self.stop_by("-c", "1234")
        self.assertEqual(1_234, account["written_packets"])
        verdict = capture.check_numbers(1_234)
        self.assertEqual(1_234, verdict["packets"])
        self.assertEqual(0, verdict["missing"])

    def test_count_over_two_threads(self):
        capture, account = self.stop_by("-c", "1000", "--threads", "2", options=("--flows", 64))
        self.assertEqual(1_000, account["written_packets"])
        self.assertEqual(1_000, capture.check_numbers(5_000)["packets"])

    def test_packets(self):
        _, account = self.stop_by("-a", "packets:77")
        self.assertEqual(77, account["written_packets"])

    def test_filesize_is_passed_by_one_record_at_most(self):
        capture, _ = self.stop_by("-a", "filesize:100")
        self.assertGreaterEqual(capture.path.stat().st_size, 100_000)
        last_figures = 200
        self.assertLess(capture.path.stat().st_size, 100_000 + 112 + last_figures)

    def test_duration(self):
        begin = time.monotonic()
        capture = Capture(self, "-a", "duration:1")
        capture.wait()
        self.assertGreaterEqual(time.monotonic() - begin, 1.0)

    def test_files(self):
        capture, account = self.stop_by("-b", "packets:100", "-a", "files:3")
        self.assertEqual(3, account["files_total"])
        self.assertEqual(300, account["written_packets"])
        self.assertEqual(0, capture.check_numbers(300)["missing"])


class RingOfFiles(Testbed):
    def setUp(self):
        super().setUp()
        self.veth()

    def check_seams(self, capture, count):
        account = capture.finish()
        self.assertEqual(count, account["written_packets"], "nothing is lost on a slow link")
        self.assertEqual([str(file) for file in capture.files()], account["files"][-len(capture.files()):])
        verdict = capture.check_numbers(count)
        self.assertEqual(0, verdict["missing"])
        self.assertEqual(0, verdict["out_of_order"])
        return account

    def test_by_packets(self):
        capture = Capture(self, "-b", "packets:100")
        self.send_numbered(1_050)
        account = self.check_seams(capture, 1_050)
        self.assertEqual(11, account["files_total"])
        for number, file in enumerate(capture.files(), 1):
            self.assertRegex(file.name, rf"^capture_{number:05}_20\d{{12}}\.pcapng$")
            self.assertEqual(50 if number == 11 else 100, len(readers.frames_of(self, file)))

    def test_by_size(self):
        capture = Capture(self, "-b", "filesize:50")
        self.send_numbered(5_000)
        self.check_seams(capture, 5_000)
        files = capture.files()
        self.assertGreaterEqual(len(files), 9)
        self.assertTrue(all(50_000 <= file.stat().st_size < 50_500 for file in files[:-1]))

    def test_by_time_on_a_busy_and_on_an_idle_link(self):
        capture = Capture(self, "-b", "duration:1")
        self.send_numbered(6_000, "--rate", 2_500)
        wait_until(lambda: len(capture.files()) >= 4, "a new file though nothing arrives", 5)
        self.check_seams(capture, 6_000)

    def test_at_full_speed(self):
        capture = Capture(self, "-b", "filesize:10000")
        sent = self.send_numbered(300_000, "--mix")
        capture.finish()
        capture.check_nothing_unaccounted(sent, 300_000)

    def test_keeps_the_newest_files(self):
        names = self.directory / "names"
        capture = Capture(self, "-b", "packets:100", "-b", "files:3", "-b", f"printname:{names}")
        self.send_numbered(1_050)
        account = capture.finish()
        self.assertEqual(1_050, account["written_packets"])
        self.assertEqual(11, account["files_total"])
        self.assertEqual(["00009", "00010", "00011"], [file.name.split("_")[1] for file in capture.files()])
        verdict = capture.check_numbers(250, first=800)
        self.assertEqual(0, verdict["missing"])
        printed = [line.split("_")[-2] for line in names.read_text().split()]
        self.assertEqual([f"{number:05}" for number in range(1, 12)], printed)

    def test_quota(self):
        capture = Capture(self, "-b", "filesize:20", "-b", "total:100000")
        self.send_numbered(10_000)
        capture.finish()
        self.assertLess(sum(file.stat().st_size for file in capture.files()), 100_000 + 21_000)
        last = capture.files()[-1]
        self.assertEqual(9_999, self.number_of(readers.frames_of(self, last)[-1]))

    @staticmethod
    def number_of(frame):
        return int.from_bytes(frame[14:22], "little")


class StandardOutput(Testbed):
    def setUp(self):
        super().setUp()
        self.veth()

    def start_capture(self, *options, **streams):
        capture = self.start(self.ringtail, "capture", "-i", "rx0", "-q", *options, stderr=subprocess.PIPE, **streams)
        wait_until_bound()
        return capture

    def test_into_tshark(self):
        self.need_program("tshark")
        capture = self.start_capture("-c", "500", "-w", "-", stdout=subprocess.PIPE)
        tshark = self.start("tshark", "-n", "-r", "-", "-T", "fields", "-e", "frame.len", stdin=capture.stdout,
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.send_numbered(500, "--size", 99)
        self.assertEqual(b"99\n" * 500, tshark.communicate(timeout=20)[0])
        self.assertEqual(0, capture.wait(20))

    def test_two_rings_into_one_pipe(self):
        self.need_program("tshark")
        capture = self.start_capture("-c", "5000", "-w", "-", "--threads", "2", "--one-file", stdout=subprocess.PIPE)
        tshark = self.start("tshark", "-n", "-r", "-", "-T", "fields", "-e", "frame.len", stdin=capture.stdout,
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.send_numbered(15_000, "--size", 99, "--flows", 64, "--rate", 20_000)  # both rings are open before the end
        self.assertEqual(b"99\n" * 5_000, tshark.communicate(timeout=20)[0])
        self.assertEqual(0, capture.wait(20))

    def test_packets_do_not_wait_for_the_end(self):
        """A live reader sees a packet within retire timeout + flush interval, with ten times the slack."""
        capture = self.start_capture("-w", "-", stdout=subprocess.PIPE)
        tcpdump = self.start("tcpdump", "-n", "-l", "-r", "-", stdin=capture.stdout, stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL, text=True)
        self.send_numbered(1)
        begin = time.monotonic()
        self.assertIn("length 64", tcpdump.stdout.readline())
        self.assertLess(time.monotonic() - begin, 6.0)

    def test_fifo(self):
        fifo = self.directory / "fifo.pcap"
        os.mkfifo(fifo)
        with (self.directory / "copy.pcap").open("wb") as copy:
            reader = self.start("cat", fifo, stdout=copy)
        capture = self.start_capture("-c", "300", "-w", fifo, "-F", "pcap")
        self.send_numbered(300)
        self.assertEqual(0, capture.wait(20))
        self.assertEqual(0, reader.wait(20))
        self.assertEqual(300, len(readers.frames_of(self, self.directory / "copy.pcap")))
        self.assertTrue(fifo.is_fifo())

    def test_account_on_standard_output(self):
        done = run(self.ringtail, "capture", "-i", "rx0", "-w", self.directory / "out.pcapng", "-a", "duration:0.2",
                   "--json", "-")
        self.assertEqual("rx0", json.loads(done.stdout)["sources"][0]["name"])

    def test_reader_that_goes_away(self):
        capture = self.start_capture("-w", "-", stdout=subprocess.PIPE)
        capture.stdout.close()
        self.send_numbered(10)
        self.assertEqual(1, capture.wait(20))
        message = capture.stderr.read().decode()
        self.assertRegex(message, re.compile(r"^ringtail: .*: .*Broken pipe", re.MULTILINE))
