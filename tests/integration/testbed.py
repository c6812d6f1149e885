"""What every case stands on: private links, programs that cannot outlive the case, a folder, patience with an end."""

import json
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time
import unittest

build_directory = None  # set by run.py
LONGEST_WAIT = 20.0  # seconds until something that should happen is called missing; only failures take that long


def keep_kernel_quiet():
    """No address autoconfiguration on the links that follow: its frames would spoil exact counts."""
    for scope in ("all", "default"):
        path = pathlib.Path(f"/proc/sys/net/ipv6/conf/{scope}/disable_ipv6")
        if path.exists():
            path.write_text("1")


def wait_until(condition, what, seconds=LONGEST_WAIT):
    """The first true value of condition()."""
    deadline = time.monotonic() + seconds
    while True:
        if value := condition():
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s for {what}")
        time.sleep(0.005)


def wait_until_bound(sockets=1):
    """Packet sockets that hear everything (packet(7): protocol ETH_P_ALL, 0x0003)."""
    table = pathlib.Path("/proc/net/packet")
    wait_until(lambda: table.read_text().count(" 0003 ") >= sockets, f"{sockets} bound packet sockets")


def run(*command, status=0, seconds=60, **options):
    """Runs a program to its end and checks its exit status (None: any)."""
    done = subprocess.run([str(word) for word in command], capture_output=True, timeout=seconds,
                          **{"text": True, **options})
    if status is not None and done.returncode != status:
        raise AssertionError(f"{command} ended with {done.returncode}, not {status}:\n{done.stdout}\n{done.stderr}")
    return done


class Testbed(unittest.TestCase):
    """Base of all cases. `self.directory` is on a real file system."""

    longest_seconds = 150  # a little less than ctest allows, so that a case that hangs still cleans up

    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="ringtail-test-"))
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.ringtail = build_directory / "tools" / "ringtail"
        # The run path leads there too, but not through a sanitizer's own dlopen().
        os.environ["RINGTAIL_MODULE_DIR"] = str(build_directory / "lib" / "dpdk")

    def assert_same(self, expected, actual):
        """Two lists of frames or packets: what differs first, not all of it."""
        for at, (one, other) in enumerate(zip(expected, actual)):
            self.assertEqual(one, other, f"entry {at}")
        self.assertEqual(len(expected), len(actual))

    # Programs

    def helper(self, name):
        return build_directory / "tests" / "integration" / name

    def need_program(self, name):
        if shutil.which(name) is None:
            self.skipTest(f"{name} is not installed")

    def start(self, *command, **options):
        """Starts a program that is killed with the case at the latest."""
        process = subprocess.Popen([str(word) for word in command], **options)
        self.addCleanup(self._end, process)
        return process

    @staticmethod
    def _end(process):
        if process.poll() is None:
            process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream:
                stream.close()

    # Links

    @staticmethod
    def see_own_links():
        """Puts the settings of this namespace's links in place of the machine's in /sys."""
        run("mount", "-t", "sysfs", "sysfs", "/sys")

    def ip(self, *words, status=0, namespace=None):
        return run(*self.inside(namespace), "ip", *words, status=status)

    def veth(self, sender="tx0", receiver="rx0", mtu=1500):
        """A pair of links, both up: what is sent into one comes out of the other."""
        made = self.ip("link", "add", sender, "mtu", mtu, "type", "veth", "peer", "name", receiver, "mtu", mtu,
                       status=None)
        if made.returncode != 0:
            self.skipTest(f"the kernel makes no veth pair: {made.stderr.strip()}")
        for name in (sender, receiver):
            self.ip("link", "set", name, "up")
        wait_until(lambda: self.is_running(receiver), f"carrier on {receiver}")

    def is_running(self, name):
        return "LOWER_UP" in json.loads(self.ip("-j", "link", "show", name).stdout)[0]["flags"]

    def second_namespace(self):
        """A process that holds another network namespace; links move to `.pid`."""
        own = os.stat("/proc/self/ns/net").st_ino
        holder = self.start("unshare", "--net", "sleep", "1000")
        wait_until(lambda: os.stat(f"/proc/{holder.pid}/ns/net").st_ino != own, "a second network namespace")
        return holder

    @staticmethod
    def inside(namespace):
        return ["nsenter", f"--net=/proc/{namespace.pid}/ns/net"] if namespace else []

    # Senders

    def send_numbered(self, count, *options, interface="tx0", seconds=60):
        """Numbered frames by frame_sender; its account."""
        done = run(self.helper("frame_sender"), "-i", interface, "--count", count, *options, seconds=seconds)
        time.sleep(0.1)  # what is still in the receiver's backlog
        return json.loads(done.stdout)

    @staticmethod
    def send_bytes(frames, interface="tx0"):
        """Frames given byte by byte."""
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as link:
            link.bind((interface, 0))
            for frame in frames:
                link.send(frame)
        time.sleep(0.1)
