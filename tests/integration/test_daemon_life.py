"""ringtaild beside files: what it gives up, what it tells the service manager and Prometheus, and the tools that ask it."""

import json
import os
import pathlib
import socket
import urllib.error
import urllib.request

from daemon import Daemon, check_numbers, files
from test_daemon import DaemonCase, configuration
from testbed import run, wait_until


def threads(process):
    """By thread, what /proc says of it."""
    table = {}
    for task in pathlib.Path(f"/proc/{process.pid}/task").iterdir():
        lines = (line.split(":", 1) for line in (task / "status").read_text().splitlines())
        table[int(task.name)] = {key: value.strip() for key, value in lines}
    return table


NET_RAW = 1 << 13


class Privileges(DaemonCase):
    def check_threads(self, running, uid):
        """All are that user, cannot regain anything, and one at most has a capability: net_raw."""
        with_capability = 0
        for number, status in threads(running.process).items():
            if "io" in status["Name"] and status["Name"].startswith("iou-"):
                continue  # io_uring's, in the kernel
            self.assertEqual({str(uid)}, set(status["Uid"].split()), status["Name"])
            self.assertEqual("1", status["NoNewPrivs"], number)
            self.assertEqual("2", status["Seccomp"], number)
            capabilities = int(status["CapPrm"], 16) | int(status["CapEff"], 16)
            self.assertIn(capabilities, (0, NET_RAW))
            with_capability += capabilities != 0
            self.assertEqual(0, int(status["CapAmb"], 16))
        self.assertEqual(1, with_capability)

    def test_root_without_capabilities(self):
        running = self.start_daemon("rotate_packets = 100")
        self.send_numbered(1000)
        self.delivered(running, 1000)
        self.check_threads(running, 0)
        self.assertEqual(1000, running.finish()["cap"]["written"])

    def test_user(self):
        """Another user, and everything still works: files, a filter, an interface that comes back."""
        self.directory.chmod(0o755)
        self.data.chmod(0o777)
        running = Daemon(self, 'user = "nobody"\n' + configuration(self.data, "rotate_packets = 100"))
        self.check_threads(running, 65534)
        self.send_numbered(500)
        self.delivered(running, 500)
        running.do("cap", "filter", filter="ether proto 0x88b6")
        self.ip("link", "del", "rx0")
        running.wait_for("cap", "the loss to be seen", lambda status: status["state"] == "waiting")
        self.veth()
        running.wait_for("cap", "the interface to be back", lambda status: status["state"] == "running")
        self.send_numbered(500, "--first", 500)
        self.delivered(running, 1000)
        self.check_threads(running, 65534)
        self.assertEqual(1000, running.finish()["cap"]["written"])
        self.assertEqual(0, check_numbers(self, files(self.data), 1000)["missing"])
        self.assertEqual({65534}, {path.stat().st_uid for path in files(self.data)})

    def test_other_directories_are_out_of_reach(self):
        """Even for a reload, whose other changes are carried out: Landlock cannot be widened."""
        other = self.directory / "other"
        other.mkdir()
        running = self.start_daemon()
        running.write_configuration(configuration(self.data) + configuration(other, name="more"))
        self.assertRegex(running.ask("cap", "reload")["error"], "more cannot be started.*Permission denied")
        self.assertRegex(running.log(), r"error capture=more .*Permission denied")
        self.assertEqual([], list(other.iterdir()))
        self.send_numbered(10)
        self.delivered(running, 10)
        self.assertEqual(10, running.finish()["cap"]["written"])

    def test_unknown_user_costs_no_file(self):
        running = Daemon(self, 'user = "nosuchuser"\n' + configuration(self.data), wait=False)
        self.assertEqual(1, running.process.wait(20))
        self.assertIn("nosuchuser", running.log())
        self.assertEqual([], list(self.data.iterdir()))


class Observers(DaemonCase):
    def test_metrics(self):
        running = Daemon(self, "[metrics]\nport = 9469\n" + configuration(self.data))
        self.ip("link", "set", "lo", "up")

        def get(path):
            with urllib.request.urlopen(f"http://127.0.0.1:9469{path}", timeout=10) as answer:
                return answer.read().decode()

        self.send_numbered(100)
        wait_until(lambda: 'ringtail_delivered_packets_total{capture="cap",interface="rx0"} 100\n' in get("/metrics"),
                   "the metric")
        self.assertEqual("well\n", get("/healthz"))
        with self.assertRaises(urllib.error.HTTPError):
            get("/other")
        running.finish()

    def test_service_manager(self):
        path = self.directory / "notify"
        manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        manager.bind(str(path))
        manager.settimeout(20)
        running = Daemon(self, configuration(self.data),
                         environment={"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "600000"})
        heard = [manager.recv(100) for _ in range(4)]
        self.assertEqual([b"READY=1", b"WATCHDOG=1", b"WATCHDOG=1", b"WATCHDOG=1"], heard)
        running.finish()
        while (message := manager.recv(100)) == b"WATCHDOG=1":
            continue
        self.assertEqual(b"STOPPING=1", message)


class Tools(DaemonCase):
    def setUp(self):
        super().setUp()
        self.running = self.start_daemon()
        os.environ["RINGTAIL_RUN_DIR"] = str(self.running.run_dir)
        self.addCleanup(os.environ.pop, "RINGTAIL_RUN_DIR")

    def test_stat(self):
        self.send_numbered(100)
        self.delivered(self.running, 100)
        one = json.loads(run(self.ringtail, "stat", "cap", "--json").stdout)
        self.assertEqual(100, one["delivered"])
        self.assertEqual(["cap"], [each["name"] for each in json.loads(run(self.ringtail, "stat", "--json").stdout)])
        self.assertIn("received 100 = delivered 100 + dropped_ring 0", run(self.ringtail, "stat").stdout)
        self.assertIn("no ringtaild captures under this name", run(self.ringtail, "stat", "other", status=1).stderr)
        self.running.finish()
        self.assertIn("no ringtaild runs there", run(self.ringtail, "stat", status=1).stderr)

    def test_top(self):
        shown = run(self.ringtail, "top", "--rounds", 2, "--interval", 0.2).stdout
        self.assertEqual(2, shown.count("CAPTURE"))
        self.assertNotIn("\033", shown, "no escape sequences into a file")
        self.assertRegex(shown, r"cap +running")
        self.assertRegex(shown, r"rx0 +up")
        self.running.finish()

    def test_ctl(self):
        run(self.ringtail, "ctl", "cap", "pause")
        self.assertEqual("paused", self.running.status("cap")["state"])
        run(self.ringtail, "ctl", "cap", "resume")
        run(self.ringtail, "ctl", "cap", "filter", "udp", "port", "9")
        self.assertEqual("udp port 9", self.running.status("cap")["filter"])
        self.assertIn("tcp prot", run(self.ringtail, "ctl", "cap", "filter", "tcp prot 80", status=1).stderr)
        run(self.ringtail, "ctl", "cap", "dance", status=2)
        run(self.ringtail, "ctl", "cap", "reload")
        run(self.ringtail, "ctl", "cap", "stop")
        self.assertEqual(0, self.running.process.wait(20))
