"""`ringtaild` towards those whom it lets in nowhere: they cost it neither packets nor descriptors nor its time."""

import os
import sys

from daemon import Daemon
from test_daemon import DaemonCase
from test_daemon_lending import lending_only
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


class DoorCase(DaemonCase):
    def setUp(self):
        super().setUp()
        self.directory.chmod(0o755)  # others come to the sockets

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
