"""ringtaild while somebody sets the clock: files follow each other as before, and no quota takes fright."""

import os
import pathlib

from daemon import Daemon, check_numbers, files, program
from test_daemon import DaemonCase, configuration
from testbed import run, wait_until


class ClockSteps(DaemonCase):
    """By libfaketime, which puts another time of day between the kernel and the daemon; its packets keep the true one."""

    def setUp(self):
        super().setUp()
        libraries = sorted(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
        if not libraries:
            self.skipTest("libfaketime is not installed")
        if "san.so" in run("ldd", program()).stdout:
            self.skipTest("a sanitizer wants to be the first library")
        self.offset = self.directory / "clock"
        self.environment = {"LD_PRELOAD": str(libraries[0]), "FAKETIME_TIMESTAMP_FILE": str(self.offset),
                            "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1"}
        self.set_clock("+0")

    def set_clock(self, offset):
        """Against the true time, in seconds."""
        text = self.offset.with_suffix(".new")
        text.write_text(offset + "\n")
        os.replace(text, self.offset)

    def test_files_by_the_clock_go_on(self):
        running = Daemon(self, configuration(self.data, "rotate_at_seconds = 1"), environment=self.environment)
        for step, offset in enumerate(("+0", "-86400", "+86400")):
            self.set_clock(offset)
            self.send_numbered(100, "--first", 100 * step)
            self.delivered(running, 100 * (step + 1))
            before = len(files(self.data))
            wait_until(lambda: len(files(self.data)) > before + 1, "two more files")  # one is named after the step
        status = running.status("cap")
        self.assertLess(status["elapsed_seconds"], 3600)
        running.check_status_books(status)
        self.assertEqual(300, running.finish()["cap"]["written"])
        verdict = check_numbers(self, files(self.data), 300)
        self.assertEqual((0, 0), (verdict["missing"], verdict["out_of_order"]))
        days = {path.name.split("_")[2][:8] for path in files(self.data)}
        self.assertGreaterEqual(len(days), 3, "names tell the time that the daemon was told")

    def test_a_month_that_is_skipped_makes_no_file_old(self):
        running = Daemon(self, configuration(self.data, "rotate_packets = 10\nquota_age_seconds = 3600"),
                         environment=self.environment)
        self.send_numbered(35)
        self.delivered(running, 35)
        self.set_clock("+2592000")
        self.send_numbered(35, "--first", 35)
        running.wait_for("cap", "six finished files", lambda status: status["storage"]["files"] >= 6)
        self.assertEqual(0, running.status("cap")["storage"]["files_deleted"])
        self.assertEqual(70, running.finish()["cap"]["written"])
        self.assertEqual(0, check_numbers(self, files(self.data), 70)["missing"])
