"""What the systemd unit, or a container, gives ringtaild is enough for it."""

import pathlib
import re
import shutil
import subprocess
import urllib.request

import daemon
from daemon import SAMPLE, Daemon, check_numbers, files, sample_configuration, with_line
from test_daemon import DaemonCase, configuration
from testbed import LONGEST_WAIT, run

UNIT = SAMPLE.parent / "ringtaild.service"
NOBODY = 65534
DEBIAN_PYTHON = "/usr/bin/python3"  # one that anybody may run


def system_call_sets():
    """systemd's sets of system calls, by their names; a set may contain others."""
    sets = {}
    for line in run("systemd-analyze", "syscall-filter").stdout.splitlines():
        if line.startswith("@"):
            content = sets[line.strip()] = set()
        elif line.startswith("    ") and not line.strip().startswith("#"):
            content.add(line.strip())
    return sets


def calls_of(name, sets):
    if not name.startswith("@"):
        return {name}
    return set().union(*(calls_of(part, sets) for part in sets[name]))


def calls_of_unit():
    """What the unit's filter lets through: line by line, as systemd.exec(5) says."""
    sets = system_call_sets()
    allowed = set()
    for tilde, names in re.findall(r"(?m)^SystemCallFilter=(~?)(.*)$", UNIT.read_text()):
        for name in names.split():
            if tilde:
                allowed -= calls_of(name, sets)
            else:
                allowed |= calls_of(name, sets)
    return allowed


class Unit(DaemonCase):
    def setUp(self):
        super().setUp()
        self.need_program("systemd-analyze")

    def test_good_and_tight(self):
        unit = self.directory / "ringtaild.service"
        unit.write_text(UNIT.read_text().replace("/usr/bin/ringtaild", "/bin/true"))
        done = run("systemd-analyze", "verify", unit, status=None)
        if "Failed to" in done.stderr and "ringtaild.service" not in done.stderr:
            self.skipTest("systemd-analyze does not run here: " + done.stderr.strip())
        self.assertEqual("", "".join(line for line in done.stderr.splitlines() if "ringtaild.service" in line))
        done = run("systemd-analyze", "security", "--offline=true", "--threshold=19", unit, status=None)
        self.assertEqual(0, done.returncode, done.stdout[-300:] + done.stderr)

    def test_allows_what_the_daemon_allows_itself(self):
        """Its own list, and what it makes that list with. The next test sees only what happens to be called."""
        source = (SAMPLE.parent / "system_calls.cpp").read_text()
        listed = re.search(r"allowed_calls\[\] = \{(.*?)\};", source, re.DOTALL).group(1)
        own = set(re.findall(r'"(\w+)"', listed))
        self.assertIn("sched_setscheduler", own)
        before = {"capget", "capset", "seccomp", "socket", "setsockopt", "prctl", "landlock_create_ruleset",
                  "landlock_add_rule", "landlock_restrict_self"}
        threads = {"clone", "clone3"}
        self.assertEqual(set(), (own | before | threads) - calls_of_unit())
        self.assertIn("SystemCallErrorNumber=EPERM", UNIT.read_text().splitlines())

    def as_the_unit_does(self):
        """How to start the daemon: no root, net_raw alone, and death for any call that the unit refuses."""
        self.need_program("setpriv")
        self.directory.chmod(0o755)
        for name in ("data", "plain", "run"):
            (self.directory / name).mkdir(exist_ok=True)
            shutil.chown(self.directory / name, NOBODY, NOBODY)
        program = shutil.copy(daemon.program(), self.directory)
        only_calls = shutil.copy(pathlib.Path(__file__).with_name("only_calls.py"), self.directory)
        return ["prlimit", f"--memlock={8 << 20}", "setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
                "--no-new-privs", "--bounding-set=-all,+net_raw", "--inh-caps=-all,+net_raw",
                "--ambient-caps=-all,+net_raw", DEBIAN_PYTHON, "-B", only_calls, ",".join(sorted(calls_of_unit())), program]

    def settings(self):
        """All that the sample offers: two captures that write, compress, lend and are measured."""
        text = sample_configuration(self.data)
        for line in ("[metrics]", "port = 9469", 'compress = "zstd"', "[capture.share]", "rotate_packets = 400", "buffer_mib = 32",
                     "retire_timeout_ms = 20"):
            text = with_line(text, line)
        plain = configuration(self.directory / "plain", "rotate_packets = 400", name="plain",
                              capture='format = "pcap"\nwriter = "direct"')
        return text + plain

    def test_daemon_under_its_filter(self):
        running = Daemon(self, self.settings(), command=self.as_the_unit_does())
        self.ip("link", "set", "lo", "up")
        counting = self.start(self.ringtail, "count", "-i", "ringtail:uplink", "-c", 500, stdout=subprocess.PIPE,
                              env={**running.environment, "RINGTAIL_RUN_DIR": str(running.run_dir)})
        running.wait_for("uplink", "an analyzer", lambda now: len(now["share"]["clients"]) == 1)
        self.send_numbered(1000)
        for name in ("uplink", "plain"):
            self.delivered(running, 1000, name)
        running.write_configuration(self.settings() + "quota_bytes = 1_000_000\n")
        running.do("plain", "reload")
        for name in ("uplink", "plain"):
            running.do(name, "rotate")
            running.do(name, "filter", filter="ether proto 0x88b6")  # a fresh packet socket
        self.assertEqual(0, counting.wait(20))
        running.wait_for("uplink", "three compressed files", lambda now: now["storage"]["compression"]["files"] >= 3)
        with urllib.request.urlopen("http://127.0.0.1:9469/metrics", timeout=10) as answer:
            self.assertIn(b"ringtail_delivered_packets_total", answer.read())
        self.send_numbered(1000, "--first", 1000)
        for name in ("uplink", "plain"):
            self.delivered(running, 2000, name)
        accounts = running.finish()
        self.assertEqual([2000, 2000], [accounts[name]["written"] for name in ("uplink", "plain")])
        self.assertEqual(0, check_numbers(self, files(self.directory / "plain"), 2000)["missing"])


CONTAINER = ["unshare", "--user", "--map-root-user", "--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"]
ONLY_NET_RAW = ["setpriv", "--no-new-privs", "--bounding-set=-all,+net_raw", "--inh-caps=-all,+net_raw"]


class Container(DaemonCase):
    def test_net_raw_alone(self):
        """Namespaces of its own, a root that nothing can be written to, process 1, no capability but net_raw."""
        self.need_program("setpriv")
        probe = run(*CONTAINER, *ONLY_NET_RAW, "true", status=None)
        if probe.returncode != 0:
            self.skipTest("there can be no container here: " + probe.stderr.strip())
        read_only = f'mount --bind "{self.directory}" "{self.directory}" && mount -o remount,bind,ro / && exec "$@"'
        running = Daemon(self, configuration(self.data, capture='direction = "in"'),
                         command=["unshare", "--mount", "sh", "-c", read_only, "sh", *CONTAINER, *ONLY_NET_RAW,
                                  daemon.program()])
        running.wait_for("cap", "no interface", lambda now: now["state"] == "waiting")
        self.ip("link", "set", "rx0", "netns", running.process.pid)
        self.ip("link", "set", "rx0", "up", namespace=running.process)
        self.ip("link", "set", "tx0", "up")
        running.wait_for("cap", "the interface", lambda now: now["state"] == "running")
        self.send_numbered(500)
        self.delivered(running, 500)
        running.do("cap", "filter", filter="ether proto 0x88b6")
        self.send_numbered(500, "--first", 500)
        self.delivered(running, 1000)
        running.do("cap", "stop")
        self.assertEqual(0, running.process.wait(LONGEST_WAIT), running.log())
        self.assertEqual(1000, running.accounts()["cap"]["written"])
        with_interface = files(self.data)[1:]  # the first was begun when there was none
        self.assertEqual(0, check_numbers(self, with_interface, 1000)["missing"])
