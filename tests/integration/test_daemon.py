"""ringtaild on real links: files, interfaces that come and go, other configurations, and its end."""

import os
import random
import re
import signal
import subprocess
import time

import daemon
import readers
from daemon import Daemon, check_numbers, files
from testbed import LONGEST_WAIT, Testbed, run, wait_until

KILLS = 50 if "RINGTAIL_FULL_TESTS" in os.environ else 3
FRAMES_PER_KILL = 1_000


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

    def kill_at_random(self, storage):
        """A daemon that is killed under traffic, and begun again, round by round; the number of frames sent to it."""
        seed = int(os.environ.get("RINGTAIL_SEED", random.randrange(1 << 32)))
        print(f"RINGTAIL_SEED={seed}")
        chance = random.Random(seed)
        running = self.start_daemon(storage, "flush_interval_ms = 50")
        for first in range(0, KILLS * FRAMES_PER_KILL, FRAMES_PER_KILL):
            sender = self.start(self.helper("frame_sender"), "-i", "tx0", "--count", FRAMES_PER_KILL, "--first", first,
                                "--rate", 4 * FRAMES_PER_KILL, stdout=subprocess.DEVNULL)
            if first == 0:
                wait_until(lambda: self.bytes_on_disk() > 20_000, "frames on disk")
            time.sleep(chance.uniform(0, 0.4))  # the sender needs a quarter of a second, and some time to begin
            running.process.kill()
            running.process.wait()
            finished = {path: path.stat().st_size for path in files(self.data)}
            self.assertEqual(0, sender.wait(LONGEST_WAIT))
            running.start()
            for path, size in finished.items():
                self.assertEqual(size, path.stat().st_size, f"{path}: a finished file stays as it is")
            self.assertEqual(1, len(list(self.data.glob(".*"))), "hidden is only what is being written now")
        sent = KILLS * FRAMES_PER_KILL
        self.send_numbered(100, "--first", sent)
        self.delivered(running, 100)
        self.assertEqual(100, running.finish()["cap"]["written"])
        self.assertEqual([], list(self.data.glob(".*")))
        self.check_leftovers(running)
        return sent + 100

    def bytes_on_disk(self):
        try:
            return sum(path.stat().st_size for path in self.data.iterdir())
        except FileNotFoundError:  # it got its final name meanwhile
            return 0

    def check_leftovers(self, running):
        """What the daemon says of each, by an independent judge."""
        for name, packets in re.findall(r"finished (\S+), which an earlier run had left: (\d+) packets", running.log()):
            self.assertEqual(int(packets), readers.capinfos(self, self.data / name)["Number of packets"], name)

    def test_killed_and_started_again(self):
        """What has come into a file until then is there afterwards, whole and under a final name: all but the newest."""
        self.need_program("capinfos")
        sent = self.kill_at_random("")
        verdict = check_numbers(self, files(self.data), sent)
        counted = [readers.capinfos(self, path)["Number of packets"] for path in files(self.data)]
        self.assertEqual(sum(counted), verdict["packets"])
        self.assertGreater(verdict["packets"], 200, "what was on disk, and what came after the last start")
        lost = verdict["missing_ranges"]
        self.assertEqual(len(lost), len({first // FRAMES_PER_KILL for first, _ in lost}), lost)
        for _, last in lost:
            self.assertEqual(0, (last + 1) % FRAMES_PER_KILL, f"nothing but the end is lost: {lost}")

    def test_killed_while_files_change(self):
        self.need_program("capinfos")
        sent = self.kill_at_random("rotate_packets = 50")
        verdict = check_numbers(self, files(self.data), sent)
        counted = [readers.capinfos(self, path)["Number of packets"] for path in files(self.data)]
        self.assertEqual(sum(counted), verdict["packets"])
        self.assertLessEqual(max(counted), 50)

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
