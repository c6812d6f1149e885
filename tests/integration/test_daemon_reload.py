"""Other configurations while ringtaild runs: what cannot be had costs nothing that is there, and is not given up."""

import os
import resource
import unittest

from daemon import Daemon, check_numbers, files
from test_daemon import DaemonCase, configuration
from testbed import wait_until


class Restarts(DaemonCase):
    """Reloads that end a capture and begin it anew."""

    def limit_descriptors(self, running, count):
        _, most = resource.prlimit(running.process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(running.process.pid, resource.RLIMIT_NOFILE, (count or most, most))

    def test_mistakes_are_found_before_anything_is_stopped(self):
        flight = '[[capture]]\nname = "cap"\ninterfaces = ["rx0"]\nbuffer_mib = 64\n{}\n' \
                 f'[capture.storage]\ndirectory = "{self.data}"\n[capture.flight]\nseconds = 60\n{{}}\n'
        running = Daemon(self, flight.format("", ""))
        self.send_numbered(100)
        running.wait_for("cap", "history", lambda status: status["flight"]["held_packets"] == 100)
        for wrong in (flight.format('filter = "tcp prot"', ""), flight.format("", 'trigger = "udp prot"')):
            running.write_configuration(wrong)
            answer = running.ask("cap", "reload")
            self.assertIn(" prot", answer["error"])
            self.assertIn("nothing was changed", answer["error"])
            self.assertEqual(100, running.status("cap")["flight"]["held_packets"])
        running.do("cap", "dump")
        running.finish()
        self.assertEqual(0, check_numbers(self, files(self.data), 100)["missing"])

    def test_what_cannot_be_started_is_tried_again(self):
        running = self.start_daemon()
        self.send_numbered(100)
        self.delivered(running, 100)
        self.limit_descriptors(running, 64)
        running.write_configuration(configuration(self.data, capture="threads = 40\nblock_bytes = 65536"))
        running.ask("cap", "reload")
        running.wait_for("cap", "the failure", lambda status: "Too many open files" in str(status["error"]))
        self.assertEqual("failing", running.status("cap")["state"])
        self.assertEqual(100, running.accounts()["cap"]["written"])
        self.limit_descriptors(running, None)
        running.wait_for("cap", "the capture", lambda status: status["state"] == "running")
        self.send_numbered(100, "--first", 100)
        self.delivered(running, 100)
        running.finish()
        self.assertEqual(0, check_numbers(self, files(self.data), 200)["missing"])

    def test_another_reload_takes_back_what_cannot_be_started(self):
        running = self.start_daemon()
        self.limit_descriptors(running, 64)
        running.write_configuration(configuration(self.data, capture="threads = 40\nblock_bytes = 65536"))
        running.ask("cap", "reload")
        running.wait_for("cap", "the failure", lambda status: status["state"] == "failing")
        running.write_configuration(configuration(self.data))
        running.do("cap", "reload")
        running.wait_for("cap", "the capture", lambda status: status["state"] == "running")
        running.finish()

    def test_a_name_comes_back_while_its_capture_ends(self):
        """Taken out of the configuration and put back at once."""
        running = self.start_daemon()
        running.write_configuration(configuration(self.data, name="other"))
        running.do("cap", "reload")
        running.write_configuration(configuration(self.data) + configuration(self.data, name="other"))
        running.do("other", "reload")
        for name in ("cap", "other"):
            wait_until(lambda: (running.try_status(name) or {}).get("state") == "running", name)
        self.send_numbered(10)
        self.delivered(running, 10, "cap")
        self.delivered(running, 10, "other")
        running.finish()

    @unittest.skipUnless("RINGTAIL_FULL_TESTS" in os.environ, "it takes ten seconds")
    def test_nothing_left_is_a_failure(self):
        """So that the service manager begins anew, with all privileges."""
        running = self.start_daemon()
        self.limit_descriptors(running, 64)
        running.write_configuration(configuration(self.data, capture="threads = 40\nblock_bytes = 65536"))
        running.ask("cap", "reload")
        self.assertEqual(1, running.process.wait(60))
        self.assertIn("nothing is captured", running.log())

    def test_a_filter_set_by_hand_stays(self):
        """Until the configuration has another one."""
        running = self.start_daemon()
        by_hand = "ether[14] & 1 = 0"
        running.do("cap", "filter", filter=by_hand)
        for storage, capture in (("quota_bytes = 1_000_000_000", ""), ("", "promiscuous = false")):
            running.write_configuration(configuration(self.data, storage, capture))
            running.do("cap", "reload")
            self.assertEqual(by_hand, running.status("cap")["filter"])
            if storage:
                self.assertNotIn("the configuration was changed", running.log(), "a gap")
        self.send_numbered(100)
        self.delivered(running, 50)
        running.write_configuration(configuration(self.data, capture='filter = "ether proto 0x88b6"'))
        running.do("cap", "reload")
        self.assertEqual("ether proto 0x88b6", running.status("cap")["filter"])
        self.assertEqual(50, running.finish()["cap"]["written"])
        self.assertEqual(50, check_numbers(self, files(self.data), 100)["missing"])

    def test_the_log_gets_another_level(self):
        running = self.start_daemon()
        for level, shown in (("error", False), ("info", True)):
            running.write_configuration(f'log_level = "{level}"\n' + configuration(self.data))
            running.do("cap", "reload")
            before = len(running.log())
            running.do("cap", "rotate")
            self.assertEqual(shown, "done: rotate" in running.log()[before:])
        running.finish()


class Files(DaemonCase):
    """Reloads that change where and how files are written, while the capture goes on."""

    def test_a_directory_out_of_reach(self):
        """Landlock keeps the daemon from writing where it did not at its start; access(2) does not tell."""
        other = self.directory / "other"
        other.mkdir()
        running = self.start_daemon()
        self.send_numbered(100)
        self.delivered(running, 100)
        for capture in ("", "threads = 2"):
            running.write_configuration(configuration(other, capture=capture))
            for _ in range(2):
                self.assertIn("cap goes on as it was", running.ask("cap", "reload")["error"])
            self.assertEqual(str(self.data), running.status("cap")["storage"]["directory"])
        self.send_numbered(100, "--first", 100)
        self.delivered(running, 200)
        self.assertEqual("running", running.status("cap")["state"])
        self.assertEqual(200, running.finish()["cap"]["written"])
        self.assertEqual(0, check_numbers(self, files(self.data), 200)["missing"])
        self.assertEqual([], list(other.iterdir()))

    def test_what_was_refused_is_tried_by_the_next_reload(self):
        """With the same file: what was wrong was elsewhere."""
        later = self.data / "later"
        running = self.start_daemon()
        running.write_configuration(configuration(later))
        self.assertIn("No such file or directory", running.ask("cap", "reload")["error"])
        later.mkdir()
        running.do("cap", "reload")
        self.assertEqual(str(later), running.status("cap")["storage"]["directory"])
        self.send_numbered(100)
        self.delivered(running, 100)
        running.finish()
        self.assertEqual(0, check_numbers(self, files(later), 100)["missing"])

    def test_another_quota_counts_every_file(self):
        """Also the one that was open when it came."""
        running = self.start_daemon("rotate_packets = 100")
        self.send_numbered(50)
        self.delivered(running, 50)
        quota = 200_000
        running.write_configuration(configuration(self.data, f"rotate_packets = 100\nquota_bytes = {quota}"))
        running.do("cap", "reload")
        self.assertEqual(quota, running.status("cap")["storage"]["quota_bytes"])
        self.send_numbered(5_000, "--first", 50)
        self.delivered(running, 5_050)
        running.do("cap", "rotate")
        running.finish()
        self.assertLessEqual(sum(path.stat().st_size for path in files(self.data)), quota)
        self.assertFalse([path for path in files(self.data) if "_00001_" in path.name], "the oldest goes first")

    def test_other_names_take_over_what_was_open(self):
        """The files in hand are published after the directory has been looked through for those of the new name."""
        running = self.start_daemon("rotate_packets = 100\nquota_bytes = 1_000_000")
        self.send_numbered(50)
        self.delivered(running, 50)
        running.write_configuration(configuration(
            self.data, "rotate_packets = 100\nquota_bytes = 100_000\ngroup_readable = true"))
        running.do("cap", "reload")
        wait_until(lambda: files(self.data), "the finished file")
        self.send_numbered(5_000, "--first", 50)
        self.delivered(running, 5_050)
        deleted = running.wait_for("cap", "the quota", lambda status: status["storage"]["files_deleted"] > 0)
        self.assertTrue(deleted)
        running.finish()
        self.assertLessEqual(sum(path.stat().st_size for path in files(self.data)), 100_000)
        self.assertFalse([path for path in files(self.data) if "_00001_" in path.name], "the oldest goes first")
