"""`ringtaild` towards those whom it lets in nowhere: they cost it neither packets nor descriptors nor its time."""

import os
import pathlib
import random
import resource
import socket
import struct
import subprocess
import sys
import time
import urllib.request

from daemon import Daemon, check_numbers, files
from test_daemon import configuration
from test_daemon_lending import FULL, LendingCase, lending_only
from testbed import LONGEST_WAIT, run, wait_until

# As another user: so many connections one after the other, each with some bytes to begin with; then the last answer.
STRANGER = """
import os, socket, sys
os.setgid(65534)
os.setuid(65534)
for _ in range(int(sys.argv[2])):
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(sys.argv[1])
        client.sendall(bytes.fromhex(sys.argv[3]))
        try:
            answer = client.recv(1000)
        except ConnectionResetError:
            answer = b""
print(answer.decode(errors="replace"))
"""
HELLO = (b"ringtail" + bytes(100)).hex()  # of a version that there is not, so it is answered at once
STAT = b'{"version":1,"operation":"stat"}\n'.hex()


class DoorCase(LendingCase):
    @staticmethod
    def descriptors(running):
        return {int(each.name) for each in pathlib.Path(f"/proc/{running.process.pid}/fd").iterdir()}

    def strangers(self, running, count, begin):
        return run(sys.executable, "-c", STRANGER, running.run_dir / "cap.sock", count, begin).stdout


class Log(DoorCase):
    def test_strangers_get_a_line_a_minute(self):
        running = Daemon(self, lending_only())
        self.assertIn("may not stat", self.strangers(running, 100, STAT))
        self.strangers(running, 100, HELLO)
        running.finish()
        self.assertEqual(1, running.log().count("may not stat"))
        self.assertEqual(1, running.log().count("may not attach"))

    def test_a_log_that_nobody_reads_is_not_waited_for(self):
        """Not by the workers either, while strangers would have it written."""
        log = self.directory / "ringtaild.log"
        os.mkfifo(log)
        reader = os.open(log, os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, reader)
        running = Daemon(self, lending_only())
        filler = os.open(log, os.O_WRONLY | os.O_NONBLOCK)
        for size in (4096, 1):  # a page each, and what a page may still have room for
            try:
                while True:
                    os.write(filler, b"\n" * size)
            except BlockingIOError:
                pass
        os.close(filler)
        self.strangers(running, 10, STAT)
        self.strangers(running, 10, HELLO)
        self.send_numbered(100)
        self.delivered(running, 100)
        self.assertNotIn("missing", self.read(reader))
        running.do("cap", "pause")
        wait_until(lambda: "2 lines of the log are missing here" in self.read(reader), "the count of lost lines")
        running.process.terminate()
        self.assertEqual(0, running.process.wait(LONGEST_WAIT))

    @staticmethod
    def read(descriptor):
        pieces = []
        try:
            while piece := os.read(descriptor, 65536):
                pieces.append(piece)
        except BlockingIOError:
            pass
        return b"".join(pieces).decode()


class Descriptors(DoorCase):
    def test_without_any_who_comes_waits_and_nobody_spins(self):
        running = Daemon(self, lending_only())
        usual = resource.prlimit(running.process.pid, resource.RLIMIT_NOFILE)
        self.assertEqual(usual[0], usual[1], "the daemon takes what it may have")
        resource.prlimit(running.process.pid, resource.RLIMIT_NOFILE, (max(self.descriptors(running)) + 1, usual[1]))
        waiting = []
        wait_until(lambda: waiting.append(running.connect("cap")) or "no descriptor is left" in running.log(),
                   "the end of descriptors")
        began, used = time.monotonic(), self.processor_seconds(running)
        time.sleep(1)
        used = self.processor_seconds(running) - used
        self.assertLess(used, 0.25 * (time.monotonic() - began))
        resource.prlimit(running.process.pid, resource.RLIMIT_NOFILE, usual)
        for client in waiting:
            client.sendall(bytes.fromhex(STAT))
            self.assertIn(b'"ok":true', client.makefile("rb").readline())
            client.close()
        running.finish()

    def test_idle_connections_to_the_metrics_cost_few(self):
        self.ip("link", "set", "lo", "up")
        running = Daemon(self, "[metrics]\nport = 9469\n" + lending_only())
        before = len(self.descriptors(running))
        crowd = [socket.socket() for _ in range(500)]
        for each in crowd:
            each.setblocking(False)
            each.connect_ex(("127.0.0.1", 9469))  # those for whom there is no place wait, some for ever
        time.sleep(0.5)
        self.assertLess(len(self.descriptors(running)), before + 20)
        for each in crowd:
            each.close()
        with urllib.request.urlopen("http://127.0.0.1:9469/metrics", timeout=LONGEST_WAIT) as answer:
            self.assertIn(b"ringtail_up", answer.read())
        running.finish()

    @staticmethod
    def processor_seconds(running):
        """Of all its threads: proc_pid_stat(5)."""
        with open(f"/proc/{running.process.pid}/stat", encoding="utf-8") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


LAYOUT_VERSION = 3  # lib/share/layout.hpp
HELLO_BYTES = 4_464


def hello(chance):
    """A greeting of the right version, zeros or noise behind that; zeros attach, and so do some others."""
    intent, parts = chance.choice((0, 0, 0, 1, 2)), chance.choice((0, 0, 0, 1, 1 << 31))
    rest = bytes(HELLO_BYTES) if chance.random() < 0.5 else chance.randbytes(HELLO_BYTES)
    return (b"ringtail" + struct.pack("<6I", LAYOUT_VERSION, intent, 0, 0, parts, 0) + rest)[:HELLO_BYTES]


def question(chance):
    """One that means something, with a byte of it changed now and then."""
    operations = (b"stat", b"pause", b"resume", b"rotate", b"filter", b"dump", b"none")
    line = bytearray(b'{"version":1,"operation":"%s"}\n' % chance.choice(operations))
    if chance.random() < 0.7:
        line[chance.randrange(len(line))] = chance.randrange(256)
    return bytes(line)


class Vandals(DoorCase):
    seconds = 600 if FULL else 3
    longest_seconds = 640 if FULL else LendingCase.longest_seconds

    KINDS = (
        lambda chance: chance.randbytes(chance.randrange(1, 5_000)) + b"\n",
        lambda chance: b"x" * 100_000,
        lambda chance: b"[" * 30_000 + b"\n",
        lambda chance: b'{"version":1,"operation":"filter","filter":"\xff\xfe\\u0000"}\n',
        lambda chance: b'{"version":1,"operation":"stat"}\n' * 200,
        lambda chance: b'{"version":1,"oper',
        question,
        hello,
        lambda chance: hello(chance)[:chance.randrange(1, HELLO_BYTES)],
        lambda chance: hello(chance) + chance.randbytes(chance.randrange(1, 5_000)),
    )

    def test_hostile_bytes(self):
        """Noise, endless lines, nesting, floods, greetings and questions that are nearly right, and half ones that are
        held: others are answered meanwhile and lose nothing, and nothing of it stays."""
        seed = random.randrange(1 << 32)
        print("seed", seed)
        chance = random.Random(seed)
        running = Daemon(self, configuration(self.data, "[capture.share]\n"))
        honest = self.start(self.ringtail, "count", "-i", "ringtail:cap", stdout=subprocess.PIPE, text=True)
        self.wait_for_clients(running, 1)
        before = self.of_clients(running)
        held, rounds, memory = [], 0, 0
        deadline = time.monotonic() + self.seconds
        while time.monotonic() < deadline or rounds < 100:
            rounds += 1
            held.append(self.vandal(running, chance))
            if chance.random() < 0.8:
                held.pop().close()
            while len(held) > 20:
                held.pop(chance.randrange(len(held))).close()
            if rounds % 20 == 0:
                self.assertEqual("cap", running.status("cap")["name"])
            if rounds == 100:
                memory = self.resident_mib(running)
        for client in held:
            client.close()
        print(rounds, "rounds")
        self.wait_for_clients(running, 1)
        wait_until(lambda: self.of_clients(running) <= before, "the vandals' descriptors to be closed")
        self.assertLess(self.resident_mib(running), memory + 300, "MiB, of which a sanitizer keeps most")
        running.do("cap", "resume")
        delivered = running.status("cap")["delivered"]
        self.send_numbered(100)
        self.delivered(running, delivered + 100)
        self.assertEqual(100, running.finish()["cap"]["written"])
        self.assertTrue(honest.communicate(timeout=LONGEST_WAIT)[0].startswith("100 packets"))
        self.assertEqual(0, check_numbers(self, files(self.data), 100)["missing"])

    @staticmethod
    def of_clients(running):
        """Its sockets and shared memories; files come and go with rotations."""
        count = 0
        for each in pathlib.Path(f"/proc/{running.process.pid}/fd").iterdir():
            try:
                count += os.readlink(each).startswith(("socket:", "/memfd:"))
            except FileNotFoundError:
                pass
        return count

    def vandal(self, running, chance):
        client = running.connect("cap")
        client.settimeout(1)
        try:
            client.sendall(chance.choice(self.KINDS)(chance))
        except OSError:  # it has hung up, or does not read on
            pass
        return client

    @staticmethod
    def resident_mib(running):
        status = pathlib.Path(f"/proc/{running.process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) // 1024
