"""What the cases on DPDK devices need: huge pages for their time, DPDK's own programs at the other end, counts."""

import json
import os
import pathlib
import re
import signal
import subprocess
import time

from testbed import LONGEST_WAIT, Testbed, run, wait_until

HUGE_PAGES = pathlib.Path("/proc/sys/vm/nr_hugepages")
HUGE_PAGES_SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "hugepages.sh"
MEMORY_FILE_OPTIONS = ["--in-memory", "--single-file-segments"]  # what memif and vhost share with their peer


def as_testpmd_loads_drivers():
    """The environment in which dpdk-dumpcap numbers the code of packet pools as testpmd does, which is linked with one
    driver more (Debian's 22.11; see agree_on_pools(), lib/dpdk/tap_memory.hpp). Without it, it captures nothing."""
    drivers = [str(path) for path in pathlib.Path("/usr/lib").glob("*/dpdk/pmds-*/librte_mempool_dpaa.so")]
    return {**os.environ, "LD_PRELOAD": ":".join(drivers)}


class DpdkTestbed(Testbed):
    def setUp(self):
        super().setUp()
        self.socket = self.directory / "peer.sock"

    def reserve_huge_pages(self, pages=128):
        """At least so many free ones until the case ends; then there are as many as before."""
        if not os.access(HUGE_PAGES, os.W_OK):
            self.skipTest(f"huge pages cannot be reserved: {HUGE_PAGES} is not writable")
        before = int(HUGE_PAGES.read_text())
        self.addCleanup(run, HUGE_PAGES_SCRIPT, "--apply", "set", before, status=None)
        done = run(HUGE_PAGES_SCRIPT, "--apply", "reserve", before + pages, status=None)
        if done.returncode != 0:
            self.skipTest(f"huge pages cannot be reserved: {done.stderr.strip()}")

    def share_memory(self, name="application"):
        """Options with which a DPDK program lets others join it, by the file prefix `name`. What it leaves goes with
        the case's mounts."""
        runtime = pathlib.Path("/run/dpdk")
        runtime.mkdir(exist_ok=True)
        run("mount", "-t", "tmpfs", "tmpfs", runtime)
        pages = self.directory / "hugetlbfs"
        pages.mkdir()
        run("mount", "-t", "hugetlbfs", "hugetlbfs", pages)
        self.addCleanup(run, "umount", "--lazy", pages)
        return [f"--file-prefix={name}", f"--huge-dir={pages}"]

    @staticmethod
    def huge_pages(what):
        """Total, Free ... of the usual size."""
        text = pathlib.Path("/proc/meminfo").read_text()
        return int(re.search(rf"^HugePages_{what}: +(\d+)$", text, re.MULTILINE).group(1))

    def huge_pages_in_use(self):
        return self.huge_pages("Total") - self.huge_pages("Free")


class Count:
    """A running `ringtail count`. Its device is open once this is made."""

    def __init__(self, case, device, *options):
        self.case = case
        self.process = case.start(case.ringtail, "count", "-i", device, "--json", "-", *options,
                                  stdout=subprocess.PIPE, text=True)
        wait_until(self._has_started, f"{device} to be open")

    def _has_started(self):
        """It has ended, or taken SIGINT over, which it does behind the opening (proc(5): SigCgt)."""
        if self.process.poll() is not None:
            return True
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        caught = int(re.search(r"^SigCgt:\t([0-9a-f]+)$", status, re.MULTILINE).group(1), 16)
        return caught & 1 << (signal.SIGINT - 1)

    def finish(self):
        """Ends it as Ctrl-C does; the account of its source, whose books balance."""
        self.process.send_signal(signal.SIGINT)
        return self.wait()

    def wait(self, status=0, seconds=LONGEST_WAIT):
        output, _ = self.process.communicate(timeout=seconds)
        self.case.assertEqual(status, self.process.returncode, output)
        self.account = json.loads(output)
        source = self.account["sources"][0]
        self.case.assertEqual(source["received"], source["delivered"] + source["dropped_ring"] + source["unread"])
        return source


class Testpmd:
    """DPDK's forwarder, driven through its prompt. It sends nothing before start()."""

    PROMPT = "testpmd> "

    def __init__(self, case, *devices, mode="io", cpus=None, memory_options=MEMORY_FILE_OPTIONS):
        case.need_program("dpdk-testpmd")
        self.case = case
        self.log_path = case.directory / f"testpmd-{time.monotonic_ns()}.log"
        cpus = ",".join(str(cpu) for cpu in cpus or sorted(os.sched_getaffinity(0)))
        command = ["stdbuf", "-oL", "dpdk-testpmd", *memory_options, "--no-telemetry", "--no-pci",
                   f"--lcores=(0,1)@({cpus})"]
        command += [f"--vdev={device}" for device in devices]
        command += ["--", "-i", "--total-num-mbufs=16384", "--no-flush-rx", f"--forward-mode={mode}"]
        with self.log_path.open("wb") as log:
            self.process = case.start(*command, stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT, text=True)
        self.prompts = 0
        self._wait_for_prompt()

    def log(self):
        return self.log_path.read_text(errors="replace")

    def _wait_for_prompt(self):
        self.prompts += 1

        def has_it():
            if self.process.poll() is not None:
                raise AssertionError(f"testpmd ended: {self.log()}")
            return self.log().count(self.PROMPT) >= self.prompts

        wait_until(has_it, "testpmd's prompt")

    def command(self, text):
        """What it prints to this."""
        before = len(self.log())
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()
        self._wait_for_prompt()
        return self.log()[before:]

    def start(self):
        self.command("start")

    def stop(self):
        """How many packets its ports sent, all together."""
        self.command("stop")
        totals = self.log().rpartition("Accumulated forward statistics")[2]
        return int(re.search(r"TX-packets: (\d+)", totals).group(1))

    def quit(self):
        self.process.stdin.write("quit\n")
        self.process.stdin.flush()
        self.process.wait(LONGEST_WAIT)
