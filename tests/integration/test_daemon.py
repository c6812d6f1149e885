"""ringtaild on real links: files, interfaces that come and go, other configurations, and its end."""

import signal
import time

import daemon
from daemon import Daemon, check_numbers, files
from testbed import Testbed, run, wait_until


def configuration(directory, storage="", capture="", name="cap", interfaces='["rx0"]'):
    return (f'[[capture]]\nname = "{name}"\ninterfaces = {interfaces}\nretire_timeout_ms = 20\nbuffer_mib = 32\n'
            f'{capture}\n[capture.storage]\ndirectory = "{directory}"\n{storage}\n')


class DaemonCase(Testbed):
    def setUp(self):
        super().setUp()
        self.veth()
        self.data = self.directory / "data"
        self.data.mkdir()

    def start_daemon(self, storage="", capture="", **others):
        return Daemon(self, configuration(self.data, storage, capture, **others))

    def mount_memory(self, size):
        run("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", self.data)
        self.addCleanup(run, "umount", "-l", self.data, status=None)

    def delivered(self, running, count, name="cap"):
        running.wait_for(name, f"{count} packets", lambda status: status["delivered"] >= count)


class Configuration(DaemonCase):
    def test_sample(self):
        running = Daemon(self, daemon.sample_configuration(self.data))
        self.send_numbered(1000)
        self.delivered(running, 1000, "uplink")
        self.assertEqual(1000, running.finish()["uplink"]["written"])
        self.assertEqual(0, check_numbers(self, files(self.data), 1000)["missing"])

    def test_check_names_file_line_and_key(self):
        path = self.directory / "bad.toml"
        path.write_text('[[capture]]\ninterfaces = ["eth0"]\nsnaplen = 0\ncolour = "red"\n'
                        '[capture.storage]\ndirectory = "/x"\nfile_name = "same"\n')
        done = daemon.run_check(path)
        self.assertEqual(2, done.returncode)
        lines = done.stderr.splitlines()
        self.assertEqual(3, len(lines), done.stderr)
        for line, start in zip(sorted(lines), (":3: capture.snaplen: ", ":4: capture.colour: ",
                                               ":7: capture.storage.file_name: ")):
            self.assertTrue(line.startswith(str(path) + start), line)

    def test_one_off(self):
        process = self.start(daemon.program(), "-i", "rx0", "-w", self.data, "--run-dir", self.directory / "run",
                             "--set", "storage.rotate_packets=10", "--set", "retire_timeout_ms=20")
        wait_until(lambda: list(self.data.glob(".*.part")), "the first file")
        self.send_numbered(35)
        process.terminate()
        self.assertEqual(0, process.wait(20))
        self.assertEqual(4, len(files(self.data)))
        self.assertEqual(0, check_numbers(self, files(self.data), 35)["missing"])

    def test_what_cannot_be_started_costs_no_file(self):
        running = Daemon(self, configuration(self.data, capture='filter = "tcp prot 80"'), wait=False)
        self.assertEqual(1, running.process.wait(20))
        self.assertIn("tcp prot 80", running.log())
        self.assertEqual([], list(self.data.iterdir()))


class Storage(DaemonCase):
    def test_a_thousand_files(self):
        """Rotation at full tilt loses nothing at the seams. (Not on a disk, which would have to sync them all.)"""
        self.mount_memory("64m")
        running = self.start_daemon("rotate_packets = 20")
        self.send_numbered(20_000, "--rate", 20_000)
        self.delivered(running, 20_000)
        account = running.finish()["cap"]
        self.assertEqual(20_000, account["written"])
        self.assertGreaterEqual(account["files"], 1000)
        self.assertEqual(account["files"], len(files(self.data)))
        self.assertEqual(0, check_numbers(self, files(self.data), 20_000)["missing"])
        self.assertEqual([], list(self.data.glob(".*")))

    def test_quota_outlives_a_restart(self):
        running = self.start_daemon("rotate_packets = 100")
        self.send_numbered(1000)
        self.delivered(running, 1000)
        running.finish()
        self.assertGreaterEqual(len(files(self.data)), 10)
        newest = files(self.data)[-1]
        quota = sum(path.stat().st_size for path in files(self.data)) // 2
        running.write_configuration(configuration(self.data, f"rotate_packets = 100\nquota_bytes = {quota}"))
        running.start()
        self.assertLessEqual(sum(path.stat().st_size for path in files(self.data)), quota)
        self.assertTrue(newest.exists(), "the oldest go first")
        running.finish()

    def test_killed_and_started_again(self):
        """What had reached the file before the kill is there afterwards, under a final name."""
        running = self.start_daemon(capture="flush_interval_ms = 50")
        self.send_numbered(1000)
        self.delivered(running, 1000)
        time.sleep(1)  # retire timeout + flush interval, with slack
        running.process.kill()
        running.process.wait()
        self.assertEqual([], files(self.data))
        running.start()
        self.assertIn("which an earlier run had left", running.log())
        self.send_numbered(1000, "--first", 1000)
        self.delivered(running, 1000)
        running.finish()
        self.assertEqual(2, len(files(self.data)))
        self.assertEqual(0, check_numbers(self, files(self.data), 2000)["missing"])

    def test_full_disk(self):
        """Losses are counted, files end with whole records, and a new file begins when there is room again."""
        self.mount_memory("8m")
        running = self.start_daemon("rotate_bytes = 1_000_000")
        self.send_numbered(10_000, "--size", 1000)
        running.wait_for("cap", "a full disk", lambda status: status["dropped_writer"] > 0)
        self.delivered(running, 10_000)
        self.assertEqual("failing", running.status("cap")["state"])
        run("mount", "-o", "remount,size=64m", self.data)
        running.wait_for("cap", "the capture to recover", lambda status: status["state"] == "running")
        self.send_numbered(100, "--first", 10_000)
        self.delivered(running, 10_100)
        account = running.finish()["cap"]
        self.assertEqual(10_100, account["delivered"])
        verdict = check_numbers(self, files(self.data), 10_100)
        self.assertEqual(account["written"], verdict["packets"])
        self.assertEqual(account["dropped_writer"], verdict["missing"])
        self.assertEqual([], list(self.data.glob(".*")))

    def test_planted_links_are_left_alone(self):
        victim = self.directory / "victim"
        victim.write_text("precious")
        for number in range(1, 4):
            (self.data / f"cap_{number:05}").symlink_to(victim)
            (self.data / f".cap_{number + 3:05}.part").symlink_to(victim)
        running = self.start_daemon('file_name = "{capture}_{sequence}"')
        self.send_numbered(100)
        self.delivered(running, 100)
        running.finish()
        self.assertEqual("precious", victim.read_text())
        real = [path for path in files(self.data) if not path.is_symlink()]
        self.assertEqual(0, check_numbers(self, real, 100)["missing"])


class Interfaces(DaemonCase):
    def test_deleted_and_recreated(self):
        running = self.start_daemon()
        self.send_numbered(100)
        self.delivered(running, 100)
        self.ip("link", "del", "rx0")
        running.wait_for("cap", "the loss to be seen", lambda status: status["state"] == "waiting")
        self.veth()
        running.wait_for("cap", "the interface to be back", lambda status: status["state"] == "running")
        self.send_numbered(100, "--first", 100)
        self.delivered(running, 200)
        self.assertEqual(1, running.status("cap")["sources"][0]["lost"])
        self.assertEqual(200, running.finish()["cap"]["written"])
        self.assertEqual(0, check_numbers(self, files(self.data), 200)["missing"])
        self.assertIn("gap of", run("capinfos", files(self.data)[-1]).stdout)

    def test_not_there_at_start(self):
        running = self.start_daemon(interfaces='["rx9", "rx0"]')
        self.assertEqual("waiting", running.status("cap")["state"])
        self.send_numbered(50)
        self.delivered(running, 50)
        self.veth("tx9", "rx9")
        running.wait_for("cap", "the interface", lambda status: status["state"] == "running")
        self.send_numbered(50, "--first", 50, interface="tx9")
        self.delivered(running, 100)
        self.assertEqual(100, running.finish()["cap"]["written"])
        self.assertEqual(0, check_numbers(self, files(self.data), 100)["missing"])

    def test_two_interfaces_and_two_threads(self):
        self.veth("tx1", "rx1")
        running = self.start_daemon(interfaces='["rx0", "rx1"]', capture='threads = 2\nfanout = "lb"')
        self.send_numbered(500)
        self.send_numbered(500, "--first", 500, interface="tx1")
        self.delivered(running, 1000)
        running.check_status_books(running.status("cap"))
        account = running.finish()["cap"]
        self.assertEqual((1000, 2), (account["written"], account["files"]))
        self.assertEqual(0, check_numbers(self, files(self.data), 1000)["missing"])


class Control(DaemonCase):
    def test_pause_and_resume(self):
        running = self.start_daemon()
        self.send_numbered(100)
        self.delivered(running, 100)
        running.do("cap", "pause")
        self.assertEqual("paused", running.status("cap")["state"])
        self.send_numbered(50, "--first", 100)
        self.delivered(running, 150)
        running.do("cap", "resume")
        self.send_numbered(100, "--first", 150)
        self.delivered(running, 250)
        account = running.finish()["cap"]
        self.assertEqual((200, 50), (account["written"], account["discarded_paused"]))
        self.assertEqual(50, check_numbers(self, files(self.data), 250)["missing"])

    def test_rotate(self):
        running = self.start_daemon()
        self.send_numbered(10)
        self.delivered(running, 10)
        running.do("cap", "rotate")
        wait_until(lambda: len(files(self.data)) == 1, "a finished file")
        self.assertEqual(0, check_numbers(self, files(self.data), 10)["missing"])
        running.finish()

    def test_filter(self):
        running = self.start_daemon()
        self.send_numbered(100)
        self.delivered(running, 100)
        answer = running.ask("cap", "filter", filter="tcp prot 80")
        self.assertFalse(answer["ok"])
        self.assertIn("tcp prot 80", answer["error"])
        running.do("cap", "filter", filter="ether[14] & 1 = 0")
        self.assertEqual("ether[14] & 1 = 0", running.status("cap")["filter"])
        self.send_numbered(100, "--first", 100)
        self.delivered(running, 150)
        self.assertEqual(150, running.finish()["cap"]["written"])
        self.assertEqual(50, check_numbers(self, files(self.data), 200)["missing"])

    def test_reload_changes_what_changed(self):
        self.veth("tx1", "rx1")
        other = self.data / "other"  # what is not below a storage directory cannot be written to any more
        other.mkdir()
        running = self.start_daemon()
        self.send_numbered(1000, "--rate", 1000)
        changed = configuration(self.data, "rotate_packets = 100")
        added = configuration(other, name="more", interfaces='["rx1"]')
        running.write_configuration(changed + added)
        sender = self.start(self.helper("frame_sender"), "-i", "tx0", "--count", 2000, "--first", 1000,
                            "--rate", 2000, stdout=-3)
        running.process.send_signal(signal.SIGHUP)
        running.wait_for("cap", "the reload", lambda _: "reloaded" in running.log())
        self.assertEqual(0, sender.wait(20))
        self.delivered(running, 3000)
        self.send_numbered(10, interface="tx1")
        self.delivered(running, 10, "more")
        running.write_configuration(changed)
        running.do("cap", "reload")
        wait_until(lambda: running.try_status("more") is None, "the capture to end")
        accounts = running.finish()
        self.assertEqual((3000, 10), (accounts["cap"]["written"], accounts["more"]["written"]))
        self.assertEqual(0, check_numbers(self, files(self.data), 3000)["missing"], "nothing is lost by a reload")
        self.assertGreater(accounts["cap"]["files"], 15)

    def test_a_configuration_with_a_mistake_changes_nothing(self):
        running = self.start_daemon()
        running.write_configuration("[[capture]]\ninterfaces = 1\n")
        self.assertIn("interfaces", running.ask("cap", "reload")["error"])
        self.send_numbered(10)
        self.delivered(running, 10)
        self.assertEqual(10, running.finish()["cap"]["written"])

    def test_stop(self):
        running = self.start_daemon()
        self.send_numbered(10)
        self.delivered(running, 10)
        running.do("cap", "stop")
        self.assertEqual(0, running.process.wait(20))
        self.assertEqual(10, running.accounts()["cap"]["written"])
        self.assertEqual([], list(running.run_dir.iterdir()), "no socket is left behind")

    def test_a_name_that_is_live(self):
        running = self.start_daemon()
        second = Daemon(self, configuration(self.data), wait=False)
        self.assertEqual(1, second.process.wait(20))
        self.assertIn("live", second.log())
        self.assertIsNotNone(running.status("cap"))
        running.finish()

    def test_others_are_refused(self):
        running = self.start_daemon()
        script = ("import socket,sys,os; os.setgid(65534); os.setuid(65534); s=socket.socket(socket.AF_UNIX);"
                  "s.connect(sys.argv[1]); s.sendall(b'{\"version\":1,\"operation\":\"stat\"}\\n');"
                  "print(s.makefile().readline())")
        for path in (self.directory, running.run_dir):
            path.chmod(0o755)
        done = run("python3", "-c", script, running.run_dir / "cap.sock")
        self.assertIn("may not stat", done.stdout)
        running.finish()
