"""What goes wrong around dpdk: devices: one line that says how to put it right, and nothing left behind."""

import mmap
import pathlib
import signal
import time

from dpdk import HUGE_PAGES_SCRIPT, Count, DpdkTestbed, Testpmd
from testbed import run, wait_until

HUGE_PAGE_BYTES = 2 << 20
MAP_HUGETLB = 0x40000  # linux/mman.h


class Complaints(DpdkTestbed):
    def complaint(self, *words, status=1):
        done = run(self.ringtail, "count", "-c", "1", *words, status=status)
        lines = [line for line in done.stderr.splitlines() if not line.startswith(("libbpf:", "libxdp:"))]
        self.assertEqual(1, len(lines), done.stderr)
        self.assertRegex(lines[0], r"^ringtail: .+: .+")
        self.assertEqual("", done.stdout)
        return lines[0]

    def hold_huge_pages(self, pages):
        """As another program would."""
        held = mmap.mmap(-1, pages * HUGE_PAGE_BYTES, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_HUGETLB)
        self.addCleanup(held.close)
        for at in range(0, len(held), HUGE_PAGE_BYTES):
            held[at] = 1

    def test_huge_pages_that_other_programs_hold(self):
        self.reserve_huge_pages(20)
        self.hold_huge_pages(self.huge_pages("Free") - 3)
        line = self.complaint("-i", "dpdk:net_null0")
        self.assertIn("3 are free", line)
        self.assertRegex(line, r"other programs hold \d+")
        needed = int(line.split("hugepages.sh --apply reserve ")[1].split("'")[0])
        run(HUGE_PAGES_SCRIPT, "--apply", "reserve", needed)
        run(self.ringtail, "count", "-i", "dpdk:net_null0", "-c", "1")

    def test_reserving_huge_pages_takes_none_away(self):
        self.reserve_huge_pages(20)
        there = self.huge_pages("Total")
        run(HUGE_PAGES_SCRIPT, "--apply", "reserve", there - 10)
        self.assertGreaterEqual(self.huge_pages("Total"), there)
        self.assertIn(f"echo {there - 10} >", run(HUGE_PAGES_SCRIPT, "set", there - 10).stdout)

    def test_devices_that_are_none(self):
        self.assertIn("net_nonsense0", self.complaint("--no-huge", "-i", "dpdk:net_nonsense0"))
        self.assertIn("dpdk-devbind.py", self.complaint("--no-huge", "-i", "dpdk:ffff:1f:1f.7"))
        self.assertIn("Unknown role", self.complaint("--no-huge", "-i", "dpdk:net_memif0,role=nobody"))
        lonely = f"dpdk:net_memif0,role=client,socket={self.socket},socket-abstract=no"
        self.assertIn("its other side is there", self.complaint("--no-huge", "-i", lonely))
        self.complaint("--no-huge", "-i", "dpdk:", status=2)

    def test_wrong_arguments_for_dpdk(self):
        self.assertIn("--nonsense", self.complaint("--no-huge", "--eal", "--nonsense", "-i", "dpdk:net_null0"))
        self.complaint("--no-huge", "--eal", "--help", "-i", "dpdk:net_null0", status=2)

    def test_what_only_kernel_interfaces_can_do(self):
        for words in (["--direction", "out"], ["-y", "RAW"], ["--wait"]):
            done = run(self.ringtail, "capture", "--no-huge", "-i", "dpdk:net_null0", "-c", "1", *words,
                       "-w", self.directory / "out.pcapng", status=2)
            self.assertRegex(done.stderr, r"^ringtail: open dpdk:net_null0: .+; .+\n$")
            self.assertFalse((self.directory / "out.pcapng").exists())

    def test_a_port_without_a_link(self):
        device = f"dpdk:net_memif0,role=server,socket={self.socket},socket-abstract=no"
        done = run(self.ringtail, "capture", "--no-huge", "-i", device, "-a", "duration:0.1",
                   "-w", self.directory / "out.pcapng")
        self.assertIn("has no link yet", done.stderr)
        done = run(self.ringtail, "capture", "--no-huge", "-i", "dpdk:net_null0", "-c", "1",
                   "-w", self.directory / "out.pcapng")
        self.assertNotIn("no link yet", done.stderr)

    def test_a_device_in_use(self):
        device = f"dpdk:net_memif0,role=server,socket={self.socket},socket-abstract=no"
        first = Count(self, device, "--no-huge")
        wait_until(self.socket.exists, "the first one's socket")
        line = self.complaint("--no-huge", "-i", device)
        self.assertIn("Address already in use", line)
        self.assertIn("nobody else uses it", line)
        self.assertEqual(0, first.finish()["received"])

    def test_flow_rules_that_a_device_does_not_take(self):
        filter_words = ["tcp", "and", "host", "10.0.0.1"]
        self.assertIn("leave out rules:", self.complaint("--no-huge", "-i", "dpdk:rules:net_null0", *filter_words))
        # net_tap takes the rules where the kernel has a flower classifier, and only there.
        done = run(self.ringtail, "count", "--no-huge", "-i", "dpdk:rules:net_tap0,iface=rt-rules", "-a", "duration:0.1",
                   "--json", "-", *filter_words, status=None)
        if done.returncode == 0:
            self.assertIn('"flow_rules":2', done.stdout)
        else:
            self.assertIn("the device refuses the rule for IPv4 TCP from 10.0.0.1", done.stderr)

    def test_a_summary_of_a_failure(self):
        summary = self.directory / "summary.json"
        self.complaint("--no-huge", "-i", "dpdk:net_nonsense0", "--json", summary)
        self.assertIn("net_nonsense0", summary.read_text())


class SharedFiles(DpdkTestbed):
    """--file-prefix, with which other processes may join, means files: in hugetlbfs, and where others look for them."""

    def setUp(self):
        super().setUp()
        self.reserve_huge_pages()
        _, self.huge_directory = self.share_memory()
        self.runtime = pathlib.Path("/run/dpdk/ours")

    def options(self, *more):
        return "--file-prefix", "ours", "--eal", " ".join([self.huge_directory, *more])

    def count(self, *options):
        run(self.ringtail, "count", "-i", "dpdk:net_null0", "-c", "1", *options)

    def files(self):
        pages = pathlib.Path(self.huge_directory.removeprefix("--huge-dir="))
        return [*pages.iterdir(), *self.runtime.parent.iterdir()]

    def test_nothing_is_left_at_the_end(self):
        self.count(*self.options())
        self.assertEqual([], self.files())
        self.count("--no-huge", *self.options())
        self.assertEqual([], self.files())

    def test_what_a_killed_process_leaves_goes_with_the_next(self):
        killed = Count(self, "dpdk:net_null0", *self.options())
        killed.process.kill()
        killed.process.wait()
        self.assertEqual(2, len(self.files()))
        self.count(*self.options())
        self.assertEqual([], self.files())

    def test_pages_without_a_name(self):
        killed = Count(self, "dpdk:net_null0", *self.options("--huge-unlink=always"))
        self.assertEqual([self.runtime], self.files())
        killed.process.kill()
        killed.process.wait()


class Deaths(DpdkTestbed):
    """Either end is killed while packets flow; the other goes on, and memory comes back."""

    def setUp(self):
        super().setUp()
        self.need_program("dpdk-testpmd")
        self.reserve_huge_pages()
        self.in_use_before = self.huge_pages_in_use()

    def kill(self, process):
        process.send_signal(signal.SIGKILL)
        process.wait()

    def check_nothing_is_left(self):
        wait_until(lambda: self.huge_pages_in_use() <= self.in_use_before, "huge pages to come back")
        self.assertNotIn("rtemap", run("find", "/dev/hugepages", status=None).stdout)

    def send_for_a_moment(self, device):
        sender = Testpmd(self, device, mode="txonly")
        sender.start()
        time.sleep(0.3)
        return sender

    def check_peer_killed(self, device, peer):
        count = Count(self, f"dpdk:{device}")
        wait_until(self.socket.exists, "a socket to connect to")
        self.kill(self.send_for_a_moment(peer).process)
        time.sleep(0.2)
        self.assertIsNone(count.process.poll(), "the reader goes on")
        sender = self.send_for_a_moment(peer)
        sent = sender.stop()
        time.sleep(0.2)
        source = count.finish()
        sender.quit()
        self.assertGreater(source["received"], sent, "packets of both peers")
        self.check_nothing_is_left()

    def test_memif_peer_killed(self):
        address = f"rsize=13,socket={self.socket},socket-abstract=no"
        self.check_peer_killed(f"net_memif0,role=server,{address}", f"net_memif0,role=client,zero-copy=yes,{address}")

    def test_vhost_peer_killed(self):
        self.check_peer_killed(f"net_vhost0,iface={self.socket}", f"net_virtio_user0,path={self.socket},queue_size=1024")

    def test_reader_killed(self):
        # testpmd, whose memif driver writes into a ring that is gone, may die of it. The socket has no file (the
        # driver's default): one that a killed server leaves is in the way of the next.
        address = f"rsize=13,socket={self.socket}"
        device, peer = f"dpdk:net_memif0,role=server,{address}", f"net_memif0,role=client,zero-copy=yes,{address}"
        killed = Count(self, device)
        wait_until(self.listens, "a socket to connect to")
        sender = self.send_for_a_moment(peer)
        self.kill(killed.process)
        self.kill(sender.process)
        again = Count(self, device, "-c", "10000")
        wait_until(self.listens, "a socket to connect to")
        sender = self.send_for_a_moment(peer)
        self.assertEqual(10_000, again.wait()["delivered"])
        self.kill(sender.process)
        self.check_nothing_is_left()

    def listens(self):
        return str(self.socket) in run("ss", "-Hlx").stdout
