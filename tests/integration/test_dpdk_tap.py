"""Taps into a DPDK application that runs elsewhere: testpmd as the application, dpdk-dumpcap as the other tapper."""

import signal
import subprocess
import time

import readers
from capture import Capture
from dpdk import Count, DpdkTestbed, Testpmd, as_testpmd_loads_drivers
from frames import numbered_frame, write_pcap
from testbed import run, wait_until


class Tap(DpdkTestbed):
    FRAMES = [numbered_frame(number, 30 + number * 7 % 1485) for number in range(2_000)]

    def setUp(self):
        super().setUp()
        self.need_program("dpdk-testpmd")
        self.reserve_huge_pages(160)
        self.sharing = self.share_memory()

    def application(self, *devices, mode="rxonly"):
        """It forwards nothing before its start()."""
        return Testpmd(self, *devices, mode=mode, memory_options=self.sharing)

    def player(self, number=0):
        played = write_pcap(self.directory / "played.pcap", self.FRAMES)
        return f"net_pcap{number},rx_pcap={played},tx_pcap=/dev/null"

    def capture(self, port, *options, name="capture.pcapng"):
        return Capture(self, "-B", "16", *options, interface=f"dpdk:pdump:application/{port}",
                       path=self.directory / name)

    def count(self, port, *options):
        return Count(self, f"dpdk:pdump:application/{port}", *options)

    def dumpcap(self, port, path):
        self.need_program("dpdk-dumpcap")
        log_path = self.directory / "dumpcap.log"
        with log_path.open("wb") as log:
            taps = self.start("dpdk-dumpcap", "--file-prefix=application", "-i", port, "-w", path,
                              env=as_testpmd_loads_drivers(), stdout=subprocess.DEVNULL, stderr=log)
        wait_until(lambda: b"Packets captured" in log_path.read_bytes(), "dpdk-dumpcap to capture")
        return taps

    def play_all(self, application):
        """Its players' frames, however long that takes."""
        application.start()
        played = f"RX-packets: {len(self.FRAMES)} "
        wait_until(lambda: played in application.command("show port stats 0"), "all frames to be played")

    def check_nothing_is_left(self, application):
        self.assertNotIn("ringtail", application.command("dump_memzone"))


class Copies(Tap):
    def test_as_dumpcap_sees_it(self):
        """Two ports play the same; one is tapped by each."""
        application = self.application(self.player(0), self.player(1))
        capture = self.capture(0)
        judge_path = self.directory / "judge.pcapng"
        judge = self.dumpcap("net_pcap1", judge_path)
        before_ns = time.time_ns()
        self.play_all(application)
        wait_until(lambda: len(readers.frames_of(self, judge_path)) == len(self.FRAMES), "dpdk-dumpcap to have them")
        application.stop()
        source = capture.finish()["sources"][0]
        after_ns = time.time_ns()
        judge.send_signal(signal.SIGINT)
        judge.wait()
        self.assertEqual((len(self.FRAMES), 0), (source["delivered"], source["dropped_ring"]))
        packets = readers.packets_of_libpcap(self, capture.path)
        self.assert_same([(len(frame), len(frame), frame) for frame in self.FRAMES],
                         [(captured, wire, data) for _, captured, wire, data in packets])
        self.assert_same(self.FRAMES, readers.frames_of(self, judge_path))
        times = [time_ns for time_ns, _, _, _ in packets]
        self.assertTrue(all(before_ns <= time_ns <= after_ns for time_ns in times), (before_ns, times[0], after_ns))
        steps_back_ns = [earlier - later for earlier, later in zip(times, times[1:])]
        self.assertLess(max(steps_back_ns), 20_000, "the wall clock is looked at now and then, and may differ a little")
        self.check_nothing_is_left(application)

    def test_what_the_application_sends(self):
        application = self.application(self.player(0), "net_null1", mode="io")
        capture = self.capture("net_null1", "--direction", "out", "-f", "ether[14] & 1 = 0", "-s", "100", "-b",
                               "packets:300")
        self.play_all(application)
        application.stop()
        capture.finish()
        even = self.FRAMES[::2]
        self.assertEqual(-(-len(even) // 300), len(capture.files()))
        packets = [packet for file in capture.files() for packet in readers.packets_of_libpcap(self, file)]
        self.assert_same([(len(frame), frame[:100]) for frame in even], [(wire, data) for _, _, wire, data in packets])
        flags = run("tshark", "-r", capture.files()[0], "-T", "fields", "-e", "frame.packet_flags_direction").stdout
        self.assertEqual({"0x00000002"}, set(flags.split()))

    def test_losses_are_counted(self):
        application = self.application("net_null0")
        count = self.count(0)
        application.start()
        count.process.send_signal(signal.SIGSTOP)
        time.sleep(0.3)
        count.process.send_signal(signal.SIGCONT)
        time.sleep(0.1)
        application.stop()
        source = count.finish()
        self.assertGreater(source["dropped_ring"], 0)
        seen = application.command("show port stats all")
        self.assertIn(f"RX-packets: {source['received']} ", seen, "what the application received: copied or dropped")


class Lives(Tap):
    def test_what_a_killed_tap_leaves_is_cleared_away(self):
        application = self.application("net_null0")
        application.start()
        killed = self.count(0)
        time.sleep(0.2)
        killed.process.send_signal(signal.SIGKILL)
        killed.process.wait()
        again = self.count(0, "-c", "100000")
        self.assertEqual(100_000, again.wait()["delivered"])
        self.check_nothing_is_left(application)
        application.stop()
        application.quit()

    def test_the_application_is_killed(self):
        application = self.application("net_null0,size=200")
        application.start()
        capture = self.capture(0, "-f", "ether[0] = 1")  # nothing, so that little is written
        time.sleep(0.2)
        application.process.send_signal(signal.SIGKILL)
        account = capture.wait(status=1)
        self.assertIn("the application has ended", account["error"])
        self.assertIn("the application has ended", capture.errors())
        readers.capinfos(self, capture.path)

    def test_one_tap_per_port(self):
        application = self.application("net_null0", "net_null1")
        first = self.count("net_null0")
        self.assertIn("another ringtail taps this port", self.complaint("application/0"))
        self.assertIn("there are 0 (net_null0), 1 (net_null1)", self.complaint("application/7"))
        self.assertIn("those that run have application", self.complaint("nobody/0"))
        self.complaint("application", status=2)
        judge = self.dumpcap("net_null1", self.directory / "judge.pcapng")
        self.assertIn("another program taps this port", self.complaint("application/1"))
        judge.send_signal(signal.SIGINT)
        judge.wait()
        self.assertEqual(0, first.finish()["received"])
        self.check_nothing_is_left(application)

    def complaint(self, tap, status=1):
        done = run(self.ringtail, "count", "-c", "1", "-i", f"dpdk:pdump:{tap}", status=status)
        self.assertEqual(1, done.stderr.count("\n"), done.stderr)
        return done.stderr
