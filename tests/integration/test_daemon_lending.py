"""`ringtaild` as a publisher: analyzers read what it captures, and none of them can spoil it for the rest."""

import json
import os
import pathlib
import random
import signal
import struct
import subprocess
import sys
import time
import urllib.request

import testbed
from capture import Capture
from daemon import Daemon, check_numbers, files
from test_daemon import DaemonCase, configuration
from testbed import run, wait_until

FULL = "RINGTAIL_FULL_TESTS" in os.environ
CORPUS = pathlib.Path(__file__).resolve().parents[2] / "../shared/corpus/traffic/mixed_web.pcap"
DEBIAN_PYTHON = "/usr/bin/python3"  # the one that python3-scapy is for
PYTHON_EXAMPLE = pathlib.Path(__file__).resolve().parents[2] / "lib/examples/python/protocol_counter.py"


def lending_only(share="", capture="", name="cap"):
    return (f'[[capture]]\nname = "{name}"\ninterfaces = ["rx0"]\nretire_timeout_ms = 20\nbuffer_mib = 64\n{capture}\n'
            f"[capture.share]\n{share}\n")


def udp_frame(port):
    """Ethernet, IPv4, UDP to that port."""
    ip = bytes.fromhex("450000300000000040110000" "0a0000010a000002")
    return bytes.fromhex("020000000002" "020000000001" "0800") + ip + struct.pack(">HHHH", 1024, port, 28, 0) + bytes(20)


class LendingCase(DaemonCase):
    def setUp(self):
        super().setUp()
        self.directory.chmod(0o755)  # others come to the sockets
        os.environ["RINGTAIL_RUN_DIR"] = str(self.directory / "run")
        os.environ["RINGTAIL_LIBRARY"] = str(testbed.build_directory / "lib" / "libringtail.so.0")
        os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
        self.addCleanup(os.environ.pop, "RINGTAIL_RUN_DIR")

    def analyzer(self, count, *options, device="ringtail:cap"):
        process = self.start(self.helper("analyzer"), "-i", device, "--count", count, *options,
                             stdout=subprocess.PIPE, text=True)
        self.assertEqual("ready\n", process.stdout.readline())
        return process

    def verdict(self, process):
        """What it made of the numbers; nothing may be damaged, doubled or invented."""
        verdict = json.loads(process.communicate(timeout=testbed.LONGEST_WAIT)[0])
        for fault in ("damaged", "duplicates", "invented", "foreign", "out_of_order"):
            self.assertEqual(0, verdict[fault], verdict)
        books = verdict["books"]
        self.assertEqual(books["received"], books["delivered"] + books["dropped_ring"] + books["unread"], verdict)
        return verdict

    def wait_for_clients(self, running, count, name="cap"):
        return running.wait_for(name, f"{count} clients", lambda now: len(now["share"]["clients"]) == count and now)

    @staticmethod
    def packets_and_dropped(process):
        """Of the C and the Python example, from their last line."""
        line = process.communicate(timeout=testbed.LONGEST_WAIT)[0].splitlines()[-1]
        packets, _, dropped = (int(part.split()[0]) for part in line.split(", "))
        return packets, dropped


class Publisher(LendingCase):
    def test_tools_attach_while_files_are_written(self):
        """Under another user, with seccomp and Landlock on."""
        self.data.chmod(0o777)
        running = Daemon(self, 'user = "nobody"\n[metrics]\nport = 9469\n' + configuration(self.data))
        self.ip("link", "set", "lo", "up")
        capture = Capture(self, interface="ringtail:cap")
        counting = self.start(self.ringtail, "count", "-i", "ringtail:cap", "-c", 5_000, stdout=subprocess.PIPE, text=True)
        status = self.wait_for_clients(running, 2)
        self.assertEqual({"ringtail"}, {client["name"] for client in status["share"]["clients"]})
        self.assertEqual({0}, {client["uid"] for client in status["share"]["clients"]})
        self.assertRegex(run(self.ringtail, "stat", "cap").stdout, r"ringtail \(pid \d+, uid 0\): lent 0, skipped 0")
        self.assertIn("ANALYZER", run(self.ringtail, "top", "--rounds", 1).stdout)
        self.send_numbered(5_000, "--size", 60, "--largest-size", 1_514)
        self.assertTrue(counting.communicate(timeout=20)[0].startswith("5000 packets"))
        running.wait_for("cap", "5,000 lent to each", lambda now: now["share"]["lent_packets"] == 10_000)
        wait_until(lambda: b'ringtail_admitted_clients_total{capture="cap"} 2\n' in
                   urllib.request.urlopen("http://127.0.0.1:9469/metrics", timeout=10).read(), "the metric")
        self.assertEqual(5_000, running.finish()["cap"]["written"])
        self.assertEqual(5_000, capture.wait()["written_packets"], "it ends by itself when the daemon does")
        self.assertEqual(0, capture.check_numbers(5_000)["missing"])
        self.assertEqual(0, check_numbers(self, files(self.data), 5_000)["missing"])

    def test_lending_without_files(self):
        running = Daemon(self, lending_only())
        analyzer = self.analyzer(2_010)
        self.send_numbered(2_000)
        self.delivered(running, 2_000)
        self.assertIn("delivered 2000, nothing is written", run(self.ringtail, "stat", "cap").stdout)
        self.assertEqual(0, running.status("cap")["dropped_writer"])
        running.do("cap", "filter", filter="ether proto 0x88b6")  # analyzers stay, with a fresh socket behind them
        self.send_numbered(10, "--first", 2_000)
        self.delivered(running, 2_010)
        running.finish()
        self.assertEqual(2_010, self.verdict(analyzer)["books"]["delivered"])
        self.assertIn("2010 delivered, nothing to be written", running.log())

    def test_command_line_without_files(self):
        daemon = self.start(testbed.build_directory / "capture" / "ringtaild", "-i", "rx0", "--run-dir",
                            self.directory / "run", stderr=subprocess.DEVNULL)
        wait_until((self.directory / "run" / "rx0.sock").exists, "the socket")
        analyzer = self.analyzer(100, device="ringtail:rx0")
        self.send_numbered(100)
        time.sleep(0.2)
        daemon.terminate()
        self.assertEqual(100, self.verdict(analyzer)["books"]["delivered"])

    def test_who_may_attach(self):
        """Strangers are refused, also those whom a reload has just made strangers; root always may."""
        running = Daemon(self, lending_only())

        def try_as(user):
            return run("setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", self.ringtail, "count", "-i",
                       "ringtail:cap", "-a", "duration:0.1", status=None)

        refused = try_as(65534)
        self.assertEqual(1, refused.returncode)
        self.assertIn("this user may not attach", refused.stderr)
        running.write_configuration(lending_only('users = ["nobody"]'))
        running.do("cap", "reload")
        wait_until(lambda: try_as(65534).returncode == 0, "nobody to be let in")
        running.write_configuration(lending_only('groups = ["daemon"]'))
        running.do("cap", "reload")
        wait_until(lambda: try_as(65534).returncode == 1, "nobody to be refused")
        self.assertEqual(0, try_as(1).returncode, "its group may")
        self.assertEqual(0, try_as(0).returncode)
        self.assertGreater(running.status("cap")["share"]["refused"], 0)
        running.finish()

    def test_a_capture_that_lends_nothing_says_so(self):
        running = self.start_daemon(storage="[capture.share]\nenabled = false\n")
        done = run(self.ringtail, "count", "-i", "ringtail:cap", status=1)
        self.assertIn("this capture lends no packets", done.stderr)
        running.finish()


class Sharing(LendingCase):
    def test_filters(self):
        """Each gets its part: one filter for two clients, none for a third."""
        running = Daemon(self, lending_only())
        commands = {"dns": ["udp", "port", "53"], "same": ["udp", "port", "53"], "all": [], "none": ["tcp"]}
        counting = {name: self.start(self.ringtail, "count", "-i", "ringtail:cap", *words, stdout=subprocess.PIPE, text=True)
                    for name, words in commands.items()}
        status = self.wait_for_clients(running, 4)
        self.assertEqual(["", "tcp", "udp port 53", "udp port 53"],
                         sorted(client["filter"] for client in status["share"]["clients"]))
        self.send_bytes([udp_frame(53 if number % 4 == 0 else 443) for number in range(400)])
        self.delivered(running, 400)
        running.finish()
        counted = {name: process.communicate(timeout=20)[0].split(",")[0] for name, process in counting.items()}
        self.assertEqual({"dns": "100 packets", "same": "100 packets", "all": "400 packets", "none": "0 packets"}, counted)

    def test_a_filter_that_is_none(self):
        running = Daemon(self, lending_only())
        done = run(self.ringtail, "count", "-i", "ringtail:cap", "udp", "prot", "53", status=1)
        self.assertIn("syntax error", done.stderr)
        done = run(self.ringtail, "count", "-i", "ringtail:cap?mode=balance", status=2)
        self.assertIn("add group=GROUP", done.stderr)
        running.finish()

    def test_four_share_the_flows_of_real_traffic(self):
        if not CORPUS.exists():
            self.skipTest("no shared/corpus beside the project")
        self.check_that_four_share_the_flows(CORPUS)

    def test_four_share_the_flows_of_many_conversations(self):
        """Over both versions of IP, in VLANs, in a tunnel."""
        made = self.directory / "made.pcap"
        if not pathlib.Path(DEBIAN_PYTHON).exists() or \
                run(DEBIAN_PYTHON, "-c", "import scapy", status=None).returncode != 0:
            self.skipTest("python3-scapy is not installed")
        run(DEBIAN_PYTHON, pathlib.Path(__file__).with_name("conversations.py"), made)
        self.assertEqual(300, len(self.check_that_four_share_the_flows(made)))

    def check_that_four_share_the_flows(self, traffic):
        """tshark's conversations: each is in one of the four files, with all its packets, and no packet is missing."""
        self.need_program("tshark")
        expected = self.conversations(traffic)
        running = Daemon(self, lending_only())
        members = [Capture(self, interface="ringtail:cap?group=ids", path=self.directory / f"member{number}.pcapng")
                   for number in range(4)]
        self.wait_for_clients(running, 4)
        packets = int(run("capinfos", "-Mc", traffic).stdout.split()[-1])
        run(self.ringtail, "send", "-i", "tx0", "-r", traffic, "--rate", 20_000)
        self.delivered(running, packets)
        running.finish()
        self.assertEqual(packets, sum(member.wait()["written_packets"] for member in members))
        owner = {}
        for number, member in enumerate(members):
            mine = self.conversations(member.path)
            self.assertGreater(len(mine), 3, "every member has a share")
            for conversation in mine:
                self.assertEqual(number, owner.setdefault(conversation, number), conversation)
        self.assertEqual(expected, set(owner))
        return expected

    @staticmethod
    def conversations(path):
        """Pairs of address and port with the protocol, the innermost that tshark sees."""
        fields = ("ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "tcp.srcport", "tcp.dstport", "udp.srcport", "udp.dstport")
        table = run("tshark", "-r", path, "-T", "fields", "-E", "occurrence=l",
                    *(word for field in fields for word in ("-e", field)), "-Y",
                    "(ip or ipv6) and not icmp and not icmpv6 and not ip.flags.mf==1 and not ip.frag_offset > 0").stdout
        found = set()
        for line in table.splitlines():
            *addresses, tcp_source, tcp_destination, udp_source, udp_destination = line.split("\t")
            source, destination = addresses[2:] if addresses[2] else addresses[:2]
            ports = (tcp_source, tcp_destination) if tcp_source else (udp_source, udp_destination)
            found.add((bool(tcp_source), *sorted(((source, ports[0]), (destination, ports[1])))))
        return found

    def test_a_member_that_dies_hands_its_share_over(self):
        running = Daemon(self, lending_only())
        members = [self.start(self.ringtail, "count", "-i", "ringtail:cap?group=ids", stdout=subprocess.PIPE, text=True)
                   for _ in range(3)]
        self.wait_for_clients(running, 3)
        members[0].kill()
        self.wait_for_clients(running, 2)
        self.send_numbered(1_000, "--flows", 100)
        self.delivered(running, 1_000)
        running.finish()
        self.assertEqual(1_000, sum(int(member.communicate(timeout=20)[0].split()[0]) for member in members[1:]))


class Faults(LendingCase):
    longest_seconds = 600 if FULL else LendingCase.longest_seconds

    def test_three_languages_while_a_fourth_is_killed_and_a_fifth_hangs(self):
        """Each sees every packet or knows how many it missed; the capture and the files lose nothing by any of it."""
        count = 1_000_000 if FULL else 50_000
        running = Daemon(self, lending_only("hold_limit_ms = 1000"))
        cpp = self.analyzer(count)
        c = self.start(self.helper("packet_counter"), "ringtail:cap", stdout=subprocess.PIPE, text=True)
        python = self.start(sys.executable, PYTHON_EXAMPLE, "ringtail:cap", stdout=subprocess.PIPE, text=True)
        killed = self.analyzer(count)
        hanging = self.analyzer(count)
        self.wait_for_clients(running, 5)
        sender = self.start(self.helper("frame_sender"), "-i", "tx0", "--count", count, "--rate", 200_000,
                            stdout=subprocess.PIPE, text=True)
        time.sleep(0.1)
        killed.kill()
        hanging.send_signal(signal.SIGSTOP)
        self.assertEqual(count, json.loads(sender.communicate(timeout=60)[0])["accepted"])
        status = running.wait_for("cap", "the eviction", lambda now: now["share"]["evicted"] == 1 and now)
        self.assertEqual(0, status["share"]["broken"], status)
        source = running.wait_for("cap", "all packets", lambda now: now["sources"][0]["received"] == count and now)["sources"][0]
        time.sleep(0.3)  # what the ring has lost is told to analyzers five times a second
        running.finish()
        for packets, dropped in (self.packets_and_dropped(c), self.packets_and_dropped(python)):
            self.assertEqual(count, packets + dropped)
        verdict = self.verdict(cpp)
        self.assertEqual(count, verdict["books"]["received"], (verdict, source))
        self.assertEqual(verdict["books"]["dropped_ring"], verdict["missing"], verdict)

    def test_at_full_rate_every_packet_is_seen_or_counted(self):
        count = 2_000_000 if FULL else 200_000
        running = Daemon(self, lending_only("memory_mib = 8", capture="block_bytes = 262144"))
        fast = self.analyzer(count)
        slow = self.analyzer(count, "--packet-ns", 5_000)
        sent = self.send_numbered(count)
        self.assertEqual(count, sent["accepted"])
        running.wait_for("cap", "all packets", lambda now: now["sources"][0]["received"] == count
                         and now["sources"][0]["unread"] == 0)
        time.sleep(0.3)
        running.finish()
        for analyzer in (fast, slow):
            verdict = self.verdict(analyzer)
            self.assertEqual(count, verdict["books"]["received"], verdict)
            self.assertEqual(verdict["books"]["dropped_ring"], verdict["missing"], verdict)

    def test_the_daemon_is_killed_again_and_again(self):
        """Its analyzers hear of it, a new one is found under the same name, and nothing of the old ones stays: no name,
        and no memory or descriptor in who attaches again and again."""
        running = Daemon(self, lending_only())
        staying = Capture(self, "--wait", interface="ringtail:cap")
        self.wait_for_clients(running, 1)
        first = self.held_by(staying.process)
        self.assertGreater(first["memories"], 0)
        for turn in range(50 if FULL else 5):
            if turn > 0:
                running.start()
                wait_until(lambda: self.held_by(staying.process) == first, f"{first} again")
            analyzer = self.analyzer(1_000)
            self.send_numbered(100)
            running.process.kill()
            running.process.wait()
            output = analyzer.communicate(timeout=testbed.LONGEST_WAIT)[0]
            self.assertEqual(1, analyzer.returncode, output)
        staying.finish()
        names = sorted(path.name for path in (self.directory / "run").iterdir())
        self.assertLessEqual(set(names), {"cap.sock", "cap.sock.lock"})

    @staticmethod
    def held_by(process):
        proc = pathlib.Path(f"/proc/{process.pid}")
        return {"memories": (proc / "maps").read_text().count("ringtail-"),
                "descriptors": len(list((proc / "fd").iterdir()))}

    def test_a_killed_client_s_slots_are_back_at_once(self):
        """Within 100 ms, as a rule; here a machine that is busy has 2 s."""
        running = Daemon(self, lending_only("hold_limit_ms = 600000"))
        hanging = self.analyzer(10_000)
        self.wait_for_clients(running, 1)
        hanging.send_signal(signal.SIGSTOP)
        self.send_numbered(2_000)
        running.wait_for("cap", "slots to be held", lambda now: now["share"]["clients"][0]["held_slots"] > 0)
        hanging.kill()
        wait_until(lambda: not running.status("cap")["share"]["clients"], "its slots to be back", seconds=2)
        analyzer = self.analyzer(2_000)
        self.send_numbered(2_000)
        self.delivered(running, 4_000)
        running.finish()
        self.assertEqual(2_000, self.verdict(analyzer)["books"]["delivered"])

    def test_who_waits_attaches_again(self):
        """After a kill and after an orderly end, and goes on in the same file."""
        running = Daemon(self, lending_only())
        capture = Capture(self, "--wait", interface="ringtail:cap")
        for start in range(3):
            if start > 0:
                running.start()
            self.wait_for_clients(running, 1)
            self.send_numbered(100, "--first", 100 * start)
            running.wait_for("cap", "what was sent", lambda now: now["share"]["lent_packets"] == 100)
            time.sleep(0.1)  # until it has read them
            if start == 0:
                running.process.kill()
                running.process.wait()
            elif start == 1:
                running.finish()
        self.assertEqual(300, capture.finish()["written_packets"])
        self.assertEqual(0, capture.check_numbers(300)["missing"])
        running.finish()

    def test_analyzers_that_are_killed_or_stopped_at_any_time(self):
        """Three at a time; a fourth stays and sees every packet or is told of it."""
        seed = random.randrange(1 << 32)
        print("seed", seed)
        chance = random.Random(seed)
        running = Daemon(self, lending_only("hold_limit_ms = 200\nmemory_mib = 32"))
        steady = self.analyzer(20_000_000)
        sender = self.start(self.helper("frame_sender"), "-i", "tx0", "--count", 20_000_000, "--rate", 20_000,
                            "--seconds", self.longest_seconds)
        for _ in range(200 if FULL else 6):
            victims = [self.start(self.ringtail, "count", "-i", "ringtail:cap", stdout=subprocess.DEVNULL)
                       for _ in range(3)]
            self.wait_for_clients(running, 4)
            time.sleep(chance.random() / 20)
            for victim in victims:
                victim.send_signal(chance.choice((signal.SIGKILL, signal.SIGSTOP)))
            self.wait_for_clients(running, 1)
            for victim in victims:
                victim.kill()
                victim.wait()
        sender.kill()
        sender.wait()
        status = running.wait_for("cap", "the rest", lambda now: now["sources"][0]["unread"] == 0 and now)
        self.assertEqual(0, status["sources"][0]["dropped_ring"], "the capture lost nothing")
        self.assertEqual(0, status["share"]["broken"], status["share"])
        running.finish()
        verdict = self.verdict(steady)
        books = verdict["books"]
        self.assertIn(f"ended: {books['received']} delivered", running.log(), verdict)
        self.assertEqual(books["delivered"], verdict["distinct"], verdict)
        print(books)

    def test_without_descriptors_the_capture_goes_on(self):
        """Who comes when there are none left is turned away; who is attached notices nothing."""
        running = Daemon(self, lending_only("clients = 64"))
        analyzer = self.analyzer(1_000)
        self.wait_for_clients(running, 1)
        open_now = len(list(pathlib.Path(f"/proc/{running.process.pid}/fd").iterdir()))
        run("prlimit", f"--pid={running.process.pid}", f"--nofile={open_now + 4}:{open_now + 4}")
        crowd = [self.start(self.ringtail, "count", "-i", "ringtail:cap", stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL) for _ in range(8)]
        self.send_numbered(1_000)
        for each in crowd:
            each.kill()
            each.wait()
        self.delivered(running, 1_000)  # asked only now: while the crowd has all descriptors nobody is answered
        self.wait_for_clients(running, 1)
        another = self.analyzer(1_000)
        another.kill()
        running.finish()
        self.assertEqual(1_000, self.verdict(analyzer)["books"]["delivered"])
