"""`ringtail capture` as a process, and the account that it gives."""

import json
import signal
import subprocess
import time

import readers
from testbed import LONGEST_WAIT, wait_until


class Capture:
    """A running capture. Its sockets are bound and its file has a header once this is made."""

    def __init__(self, case, *options, interface="rx0", path=None, namespace=None, wait=True):
        self.case = case
        self.path = path or case.directory / "capture.pcapng"
        self.json_path = case.directory / (self.path.name + ".json")
        self.error_path = case.directory / (self.path.name + ".stderr")
        self.newest_before_ns = max((file.stat().st_ctime_ns for file in self.files()), default=0)
        interfaces = [interface] if isinstance(interface, str) else interface
        command = [*case.inside(namespace), case.ringtail, "capture", "-w", self.path, "--json", self.json_path]
        for name in interfaces:
            command += ["-i", name]
        with self.error_path.open("wb") as errors:
            self.process = case.start(*command, *options, stdout=subprocess.PIPE, stderr=errors)
        if wait:
            wait_until(self._has_started, f"{self.path} to appear")

    def _has_started(self):
        if self.process.poll() is not None:
            raise AssertionError(f"the capture ended with {self.process.returncode}: {self.errors()}")
        states = [file.stat() for file in self.files()]
        return any(state.st_size >= 24 and state.st_ctime_ns > self.newest_before_ns for state in states)

    def files(self):
        """Its files by name, which is also their order in time."""
        return sorted(self.path.parent.glob(f"{self.path.stem}*{self.path.suffix}"))

    def errors(self):
        return self.error_path.read_text(errors="replace")

    def send(self, number):
        self.process.send_signal(number)

    def finish(self, number=signal.SIGINT):
        """Ends it with a signal; its account."""
        self.send(number)
        return self.wait()

    def kill_under_load(self, after_seconds, *sender_options):
        """SIGKILL while more frames arrive: what the files say. No frame in them was not sent, and older ones are there."""
        case = self.case
        sender = case.start(case.helper("frame_sender"), "-i", "tx0", "--count", 10_000_000, *sender_options)
        wait_until(lambda: readers.check_numbered(case, self.files(), 10_000_000)["distinct"] > 100, "frames on disk")
        time.sleep(after_seconds)
        self.send(signal.SIGKILL)
        self.process.wait()
        sender.kill()
        sender.wait()
        verdict = readers.check_numbered(case, self.files(), 10_000_000)
        for fault in ("damaged", "invented", "duplicates", "foreign"):
            case.assertEqual(0, verdict[fault], verdict)
        case.assertGreater(verdict["distinct"], 100, "older packets are in the file")
        return verdict

    def wait(self, status=0, seconds=LONGEST_WAIT):
        """Waits for its own end; its account, whose books balance."""
        self.case.assertEqual(status, self.process.wait(seconds), self.errors())
        self.account = json.loads(self.json_path.read_text())
        self._check_books(self.account, status)
        return self.account

    def _check_books(self, account, status):
        case = self.case
        case.assertEqual(status == 0, account["error"] is None, account)
        for source in account["sources"]:
            accounted = source["delivered"] + source["dropped_ring"] + source["unread"]
            case.assertEqual(source["received"], accounted, source)
        case.assertEqual(account["delivered"], sum(source["delivered"] for source in account["sources"]))
        case.assertEqual(account["delivered"], account["written_packets"] + account["dropped_writer"])
        case.assertEqual(account["files_total"], len(account["files"]) if account["files_total"] <= 100 else 100)

    def check_numbers(self, count, first=0, step=1):
        """What frame_checker says of the files; nothing in them may be damaged, doubled or invented."""
        verdict = readers.check_numbered(self.case, self.files(), count, first, step)
        for fault in ("damaged", "duplicates", "invented", "foreign", "complaints"):
            self.case.assertFalse(verdict[fault], verdict)
        return verdict

    def check_nothing_unaccounted(self, sent, matching, step=1):
        """Difference 0: sent and matching = delivered + dropped_ring + unread + dropped_interface, and the numbers
        missing in the files are as many as the losses in the account."""
        sums = {key: sum(source[key] for source in self.account["sources"])
                for key in ("delivered", "dropped_ring", "unread", "dropped_interface")}
        # frame_sender sends again what the interface refused; the interface has counted the refusal as a drop.
        lost_by_interface = sums["dropped_interface"] - sent["refused"]
        accounted = sums["delivered"] + sums["dropped_ring"] + sums["unread"] + lost_by_interface
        self.case.assertEqual(0, matching - accounted, (sent, self.account))
        verdict = self.check_numbers(matching, step=step)
        self.case.assertEqual(self.account["written_packets"], verdict["packets"])
        self.case.assertEqual(matching - self.account["written_packets"], verdict["missing"])
        return verdict
