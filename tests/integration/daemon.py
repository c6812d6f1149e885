"""`ringtaild` as a process: its configuration, its control socket, and books that must balance."""

import json
import os
import pathlib
import re
import signal
import socket
import subprocess

import readers
import testbed
from testbed import LONGEST_WAIT, wait_until

SAMPLE = pathlib.Path(__file__).resolve().parents[2] / "capture" / "ringtaild.toml"


def program():
    return testbed.build_directory / "capture" / "ringtaild"


class Daemon:
    """A running daemon; its captures run once this is made. `configuration`: TOML text; `command`: how it is started."""

    def __init__(self, case, configuration, *options, wait=True, environment=None, command=None):
        self.case = case
        self.run_dir = case.directory / "run"
        self.configuration_path = case.directory / "ringtaild.toml"
        self.log_path = case.directory / "ringtaild.log"
        self.options = options
        self.command = command or [program()]
        self.environment = {**os.environ, **(environment or {})}
        self.write_configuration(configuration)
        self.start(wait)

    def write_configuration(self, text):
        self.configuration_path.write_text(text)

    def start(self, wait=True):
        with self.log_path.open("ab") as log:
            self.process = self.case.start(*self.command, "-c", self.configuration_path, "--run-dir", self.run_dir,
                                           *self.options, stderr=log, env=self.environment)
        if wait:
            wait_until(self._runs, "the daemon to capture")

    def _runs(self):
        if self.process.poll() is not None:
            raise AssertionError(f"the daemon ended with {self.process.returncode}: {self.log()}")
        names = re.findall(r'(?m)^name = "(.*?)"', self.configuration_path.read_text())
        return names and all(self.try_status(name) for name in names)

    def log(self):
        return self.log_path.read_text(errors="replace")

    # The control socket

    def connect(self, name):
        client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        client.connect(str(self.run_dir / f"{name}.sock"))  # waits while the daemon has others to serve
        client.settimeout(LONGEST_WAIT)
        return client

    def ask(self, name, operation, **members):
        with self.connect(name) as client:
            client.sendall(json.dumps({"version": 1, "operation": operation, **members}).encode() + b"\n")
            answer = client.makefile("rb").readline()
        return json.loads(answer)

    def do(self, name, operation, **members):
        answer = self.ask(name, operation, **members)
        self.case.assertTrue(answer["ok"], answer)
        return answer

    def status(self, name):
        return self.do(name, "stat")["status"]

    def try_status(self, name):
        try:
            return self.ask(name, "stat").get("status")
        except (ConnectionError, FileNotFoundError):
            return None

    def wait_for(self, name, what, condition):
        return wait_until(lambda: condition(self.status(name)), what)

    # The end, and the books

    def finish(self, number=signal.SIGTERM, status=0):
        """Ends it with a signal; what it said of its captures at the end, by name."""
        self.process.send_signal(number)
        self.case.assertEqual(status, self.process.wait(LONGEST_WAIT), self.log())
        return self.accounts()

    def accounts(self):
        """The last account of each capture in the log; each must balance."""
        line = re.compile(r"capture=(\S+) ended: (\d+) delivered = (\d+) written \+ (\d+) dropped by the writer \+ "
                          r"(\d+) discarded while paused; (\d+) files")
        accounts = {}
        for name, *figures in line.findall(self.log()):
            keys = ("delivered", "written", "dropped_writer", "discarded_paused", "files")
            account = accounts[name] = dict(zip(keys, map(int, figures)))
            self.case.assertEqual(account["delivered"],
                                  account["written"] + account["dropped_writer"] + account["discarded_paused"])
        return accounts

    def check_status_books(self, status):
        for source in status["sources"]:
            self.case.assertEqual(source["received"],
                                  source["delivered"] + source["dropped_ring"] + source["unread"], source)


def files(directory):
    """Finished files, oldest first."""
    return sorted(path for path in directory.iterdir() if path.is_file() and not path.name.startswith("."))


def check_numbers(case, paths, count, first=0):
    verdict = readers.check_numbered(case, paths, count, first)
    for fault in ("damaged", "duplicates", "invented", "foreign", "complaints"):
        case.assertFalse(verdict[fault], verdict)
    return verdict


def sample_configuration(directory, *interfaces):
    """The file that users get, with paths and interfaces replaced."""
    names = ", ".join(f'"{name}"' for name in interfaces or ("rx0",))
    return SAMPLE.read_text().replace("/var/lib/ringtail", str(directory)).replace('"eth0"', names)


def with_line(text, line):
    """The sample with this line in place of its own of the same key or table, which may be commented out, as this may."""
    key = re.escape(line.lstrip("#").partition(" = ")[0])
    changed, count = re.subn(rf"(?m)^#?{key}( = [^#\n]*|$)", lambda _: line, text)
    assert count == 1, (line, count)
    return changed


def run_check(path):
    return subprocess.run([program(), "--check", "-c", path], capture_output=True, text=True, timeout=LONGEST_WAIT)
