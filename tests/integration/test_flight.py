"""ringtaild's flight recorder: the last packets, kept in the ring until somebody wants them in a file."""

import json
import os
import re
import signal
import socket
import subprocess
import time

import readers
from daemon import Daemon, check_numbers, files
from test_daemon import DaemonCase
from testbed import run, wait_until


class FlightCase(DaemonCase):
    def setUp(self):
        super().setUp()
        self.out = self.directory / "out.pcapng"

    def start_recorder(self, seconds=60, storage=False, capture="", flight="", buffer_mib=64):
        """Without storage unless it is asked for."""
        text = (f'[[capture]]\nname = "cap"\ninterfaces = ["rx0"]\nretire_timeout_ms = 20\nbuffer_mib = {buffer_mib}\n'
                f'{capture}\n[capture.flight]\nseconds = {seconds}\n{flight}\n')
        if storage:
            text += f'[capture.storage]\ndirectory = "{self.data}"\n'
        return Daemon(self, text)

    def dump(self, running, *options, status=0):
        return run(self.ringtail, "dump", "cap", "--run-dir", running.run_dir, *options, status=status)

    def dump_to(self, running, path, *options):
        return json.loads(self.dump(running, "-w", path, "--json", *options).stdout)

    def finish(self, running):
        """Ends it; what it says of its books, which must balance."""
        running.process.send_signal(signal.SIGTERM)
        self.assertEqual(0, running.process.wait(20), running.log())
        found = re.search(r"ended: (\d+) delivered = (\d+) dumped \+ (\d+) expired \+ (\d+) dropped by the writer \+ "
                          r"(\d+) discarded while paused; (\d+) dumps", running.log())
        delivered, dumped, expired, dropped, discarded, dumps = map(int, found.groups())
        self.assertEqual(delivered, dumped + expired + dropped + discarded)
        return {"delivered": delivered, "dumped": dumped, "expired": expired, "dropped_writer": dropped,
                "dumps": dumps}

    def check_status_books(self, running):
        status = running.status("cap")
        running.check_status_books(status)
        self.assertEqual(status["delivered"],
                         status["written_packets"] + status["dropped_writer"] + status["discarded_paused"] +
                         status["flight"]["held_packets"] + status["flight"]["expired_packets"], status)
        return status


class Dump(FlightCase):
    def test_all_that_is_held(self):
        """No storage at all: the file is opened by who asks."""
        running = self.start_recorder()
        self.send_numbered(1000)
        said = self.dump_to(running, self.out)
        self.assertEqual((str(self.out), 1000), (said["path"], said["packets"]))
        self.assertEqual(self.out.stat().st_size, said["bytes"])
        self.assertEqual(0o600, self.out.stat().st_mode & 0o777)
        self.assertEqual(0, check_numbers(self, [self.out], 1000)["missing"])
        self.assertEqual(1000, readers.capinfos(self, self.out)["Number of packets"])
        status = self.check_status_books(running)
        self.assertEqual((1, 0, 1000), (status["flight"]["dumps"], status["flight"]["held_packets"],
                                        status["written_packets"]))
        self.assertEqual({"delivered": 1000, "dumped": 1000, "expired": 0, "dropped_writer": 0, "dumps": 1},
                         self.finish(running))

    def trickle(self, rate, seconds):
        """Numbered frames while something else happens."""
        return self.start(self.helper("frame_sender"), "-i", "tx0", "--count", 1_000_000, "--rate", rate,
                          "--seconds", seconds, stdout=subprocess.PIPE, text=True)

    def numbers_and_times(self, path):
        rows = readers.packets_of_libpcap(self, path)
        return [int.from_bytes(row[3][14:22], "little") for row in rows], [row[0] / 1e9 for row in rows]

    def check_last_seconds(self, path, seconds, asked, answered):
        """Every packet of them, and none that is older."""
        numbers, times = self.numbers_and_times(path)
        self.assertGreaterEqual(times[0], asked - seconds)
        self.assertLess(times[0], answered - seconds + 0.25)
        self.assertGreaterEqual(times[-1], asked - 0.25, "up to the moment when it was asked for")
        self.assertEqual(list(range(numbers[0], numbers[0] + len(numbers))), numbers, "no gap")
        self.assertEqual(len(numbers), readers.capinfos(self, path)["Number of packets"])

    def test_the_last_seconds(self):
        running = self.start_recorder(seconds=20)  # of which a block lasts 0.42 at most
        rest = self.directory / "rest.pcapng"
        sender = self.trickle(500, 2.5)
        time.sleep(1.8)
        asked = time.time()
        self.dump_to(running, self.out, "--last", "1.2s")
        self.check_last_seconds(self.out, 1.2, asked, time.time())
        sent = json.loads(sender.communicate(timeout=20)[0])["accepted"]
        self.dump_to(running, rest)  # what was older is still there, and so is what has come since
        account = self.finish(running)
        self.assertEqual(sent, account["delivered"])
        verdict = check_numbers(self, [self.out, rest], sent)
        self.assertEqual(account["expired"], verdict["missing"], "the older ones of a batch that had both")
        self.assertLess(verdict["missing"], 0.5 * 500)

    def test_a_slow_link_keeps_its_seconds(self):
        """A block per retire timeout, few packets in each; eight blocks last for two seconds all the same."""
        running = self.start_recorder(seconds=2, buffer_mib=8)
        sender = self.trickle(50, 4)
        time.sleep(2.8)
        asked = time.time()
        self.dump_to(running, self.out, "--last", "2")
        self.check_last_seconds(self.out, 2, asked, time.time())
        sender.wait(20)
        self.finish(running)

    def test_twice(self):
        """A packet is in one dump; dumps that follow each other join."""
        running = self.start_recorder()
        second = self.directory / "second.pcapng"
        self.send_numbered(700)
        self.assertEqual(700, self.dump_to(running, self.out)["packets"])
        self.send_numbered(300, "--first", 700)
        self.assertEqual(300, self.dump_to(running, second)["packets"])
        self.assertEqual(0, self.dump_to(running, self.directory / "third.pcapng")["packets"])
        self.assertEqual(0, check_numbers(self, [self.out, second], 1000)["missing"])
        self.assertEqual(3, self.finish(running)["dumps"])

    def test_into_the_storage(self):
        """On request and on SIGUSR2."""
        running = self.start_recorder(storage=True)
        self.send_numbered(100)
        path = json.loads(self.dump(running, "--json").stdout)["path"]
        self.assertEqual([path], [str(each) for each in files(self.data)])
        self.send_numbered(100, "--first", 100)
        running.process.send_signal(signal.SIGUSR2)
        wait_until(lambda: len(files(self.data)) == 2, "the second file")
        run(self.ringtail, "ctl", "cap", "dump", "--run-dir", running.run_dir)
        self.assertEqual(3, len(files(self.data)))
        self.assertEqual([], list(self.data.glob(".*")))
        self.assertEqual(0, check_numbers(self, files(self.data), 200)["missing"])
        self.assertIn("flight recorder: SIGUSR2", run("capinfos", files(self.data)[1]).stdout)
        self.finish(running)

    def test_two_threads_and_classic_pcap(self):
        """One file, however many rings there are."""
        running = self.start_recorder(capture='threads = 2\nfanout = "lb"\nformat = "pcap"')
        self.send_numbered(1000)
        self.assertEqual(1000, self.dump_to(running, self.out)["packets"])
        self.assertEqual(0, check_numbers(self, [self.out], 1000)["missing"])
        self.finish(running)

    def test_large_blocks_become_the_file_in_place(self):
        running = self.start_recorder(seconds=60)
        self.send_numbered(20_000, "--size", 1000, "--rate", 50_000)
        self.assertEqual(20_000, self.dump_to(running, self.out)["packets"])
        self.assertEqual(0, check_numbers(self, [self.out], 20_000)["missing"])
        status = running.status("cap")
        self.assertGreater(status["layout"]["dilated_chunks"], 10)
        self.assertLess(status["layout"]["copied_bytes"], 4_000_000, "of twenty")
        self.finish(running)


class History(FlightCase):
    def test_old_packets_expire(self):
        running = self.start_recorder(seconds=0.5)
        self.send_numbered(100)
        running.wait_for("cap", "all to expire", lambda status: status["flight"]["expired_packets"] == 100)
        self.check_status_books(running)
        self.send_numbered(50, "--first", 100)
        self.assertEqual(50, self.dump_to(running, self.out)["packets"])
        self.assertEqual({"delivered": 150, "dumped": 50, "expired": 100, "dropped_writer": 0, "dumps": 1},
                         self.finish(running))

    def test_full_rings_never_freeze(self):
        """History makes room before the kernel needs it: several laps of the ring, and there is always a free block.

        When the block a quarter of the ring ahead is held, the kernel looks at the present one before it takes a packet,
        without a lock (tpacket_rcv(), __packet_rcv_has_room(), net/packet/af_packet.c): while another processor closes
        that block it takes the ring for full, and a few packets are dropped without a freeze."""
        running = self.start_recorder()
        portion, block = 40_000, 4_000  # frames: a quarter of the ring, which is never history, takes 55,000

        def passed(now):
            return now["sources"][0]["delivered"] + now["sources"][0]["dropped_ring"]

        for first in range(0, 400_000, portion):
            self.send_numbered(portion, "--size", 200, "--first", first)
            running.wait_for("cap", "a portion", lambda now: passed(now) >= first + portion - block)
        running.wait_for("cap", "400,000 packets", lambda now: passed(now) == 400_000)
        status = self.check_status_books(running)
        dropped = status["sources"][0]["dropped_ring"]
        self.assertEqual(0, status["sources"][0]["freezes"])
        self.assertLess(dropped, 1_000)
        self.assertGreater(status["flight"]["expired_packets"], 100_000)
        self.assertGreater(status["flight"]["held_bytes"], 40_000_000)
        newest = self.dump_to(running, self.out)["packets"] + dropped
        self.assertLessEqual(check_numbers(self, [self.out], newest, 400_000 - newest)["missing"], dropped, "the newest")
        self.assertEqual(0, running.status("cap")["sources"][0]["freezes"])
        self.finish(running)

    def test_an_interface_that_has_gone(self):
        """What it brought can still be had; with the next one history begins anew."""
        running = self.start_recorder()
        self.send_numbered(100)
        self.delivered(running, 100)
        self.ip("link", "del", "rx0")
        running.wait_for("cap", "the loss to be seen", lambda status: status["state"] == "waiting")
        self.assertEqual(100, self.dump_to(running, self.out)["packets"])
        self.assertEqual(0, check_numbers(self, [self.out], 100)["missing"])
        self.veth()
        running.wait_for("cap", "the interface to be back", lambda status: status["state"] == "running")
        self.send_numbered(50, "--first", 100)
        running.do("cap", "filter", filter="ether proto 0x88b6")
        self.send_numbered(20, "--first", 150)
        self.assertEqual(20, self.dump_to(running, self.out)["packets"])
        self.assertEqual({"delivered": 170, "dumped": 120, "expired": 50, "dropped_writer": 0, "dumps": 2},
                         self.finish(running))


class Trigger(FlightCase):
    def test_trigger(self):
        """A packet that matches brings a dump, a little later; then there is none for a while."""
        running = self.start_recorder(storage=True, flight='trigger = "ether[14] = 200 and ether[15] = 0"\n'
                                                           'trigger_delay_seconds = 0.5\nhold_off_seconds = 1')
        self.send_numbered(200)  # 0 to 199
        self.delivered(running, 200)
        self.assertEqual([], files(self.data))
        self.send_numbered(100, "--first", 200)
        wait_until(lambda: files(self.data), "a dump")
        self.assertEqual(0, check_numbers(self, files(self.data), 300)["missing"], "also what came after the match")
        self.assertIn("ether[14] = 200", run("capinfos", files(self.data)[0]).stdout)
        self.send_numbered(1, "--first", 200)  # held off
        self.delivered(running, 301)
        time.sleep(1.5)
        self.assertEqual(1, len(files(self.data)))
        self.send_numbered(1, "--first", 200)
        wait_until(lambda: len(files(self.data)) == 2, "the second dump")
        running.wait_for("cap", "both to be counted", lambda now: now["flight"]["dumps"] == 2)
        self.assertEqual(2, self.check_status_books(running)["flight"]["triggers"])
        self.finish(running)

    def test_a_trigger_that_makes_no_sense(self):
        text = ('[[capture]]\nname = "cap"\ninterfaces = ["rx0"]\nflight.trigger = "tcp prot 80"\n'
                f'storage.directory = "{self.data}"\n')
        running = Daemon(self, text, wait=False)
        self.assertEqual(1, running.process.wait(20))
        self.assertIn("tcp prot 80", running.log())


class Faults(FlightCase):
    def test_what_is_not_there(self):
        running = self.start_recorder()
        self.assertIn("no ringtaild captures under this name",
                      run(self.ringtail, "dump", "other", "-w", self.out, "--run-dir", running.run_dir, status=1).stderr)
        self.assertIn("-w FILE", self.dump(running, status=1).stderr, "there is no storage")
        self.dump(running, "--last", "soon", status=2)
        self.assertFalse(self.out.exists())
        running.finish()
        running = self.start_daemon()
        self.assertIn("no flight recorder", self.dump(running, "-w", self.out, status=1).stderr)
        self.assertFalse(self.out.exists(), "no empty file is left")
        self.out.write_text("precious")
        before = sorted(self.directory.iterdir())
        self.assertIn("no flight recorder", self.dump(running, "-w", self.out, status=1).stderr)
        self.assertEqual("precious", self.out.read_text())
        self.assertEqual(before, sorted(self.directory.iterdir()))
        running.finish()

    def test_an_older_file(self):
        """It is replaced by a dump, but not by anything less."""
        self.out.write_text("old")
        running = self.start_recorder()
        self.send_numbered(100)
        self.assertEqual(100, self.dump_to(running, self.out)["packets"])
        self.assertEqual(100, check_numbers(self, [self.out], 100)["packets"])
        self.assertEqual(0o600, self.out.stat().st_mode & 0o777)
        self.assertEqual([], list(self.directory.glob(".*")))
        self.finish(running)

    def test_full_disk(self):
        """The file ends with a whole record, what is not in it is counted, and the capture goes on."""
        small = self.directory / "small"
        small.mkdir()
        run("mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", small)
        self.addCleanup(run, "umount", "-l", small, status=None)
        running = self.start_recorder()
        self.send_numbered(10_000, "--size", 1000, "--rate", 50_000)
        self.assertIn("No space left", self.dump(running, "-w", small / "out.pcapng", status=1).stderr)
        status = self.check_status_books(running)
        self.assertEqual(("running", 1), (status["state"], status["flight"]["dumps_failed"]))
        self.assertGreater(status["dropped_writer"], 5000)
        verdict = check_numbers(self, [small / "out.pcapng"], 10_000)
        self.assertEqual(status["written_packets"], verdict["packets"])
        self.send_numbered(100, "--first", 10_000)
        self.assertEqual(100, self.dump_to(running, self.out)["packets"])
        account = self.finish(running)
        self.assertEqual((10_100, 1), (account["delivered"], account["dumps"]))

    def test_while_it_stops(self):
        running = self.start_recorder()
        self.send_numbered(1000)
        for path in (self.out, self.directory / "late.pcapng"):
            self.start(self.ringtail, "dump", "cap", "--run-dir", running.run_dir, "-w", path, stderr=-3, stdout=-3)
        account = self.finish(running)
        self.assertEqual(1000, account["delivered"])
        self.assertEqual(0, account["dropped_writer"])
        self.assertIn(account["dumped"], (0, 1000))

    def test_files_that_nobody_should_pass(self):
        """Only a regular file that is open for writing: a pipe could keep the daemon waiting."""
        running = self.start_recorder()
        self.send_numbered(100)
        reader, writer = os.pipe()
        read_only = os.open(running.log_path, os.O_RDONLY)
        for descriptor, why in ((writer, "regular file"), (read_only, "open for writing")):
            with running.connect("cap") as client:
                message = b'{"version":1,"operation":"dump"}\n'
                socket.send_fds(client, [message], [descriptor])
                self.assertIn(why, json.loads(client.makefile("rb").readline())["error"])
        before = len(os.listdir(f"/proc/{running.process.pid}/fd"))
        for _ in range(50):  # with a request that wants none
            with running.connect("cap") as client:
                socket.send_fds(client, [b'{"version":1,"operation":"stat"}\n'], [writer] * 3)
                self.assertTrue(json.loads(client.makefile("rb").readline())["ok"])
        wait_until(lambda: len(os.listdir(f"/proc/{running.process.pid}/fd")) <= before, "descriptors to be closed")
        for descriptor in (reader, writer, read_only):
            os.close(descriptor)
        self.assertEqual(100, self.dump_to(running, self.out)["packets"], "refused dumps cost no history")
        self.finish(running)

    def test_another_user(self):
        """The daemon could not open the file by itself, neither as that user nor past Landlock."""
        self.directory.chmod(0o755)
        text = ('user = "nobody"\n[[capture]]\nname = "cap"\ninterfaces = ["rx0"]\nflight.seconds = 60\n')
        running = Daemon(self, text)
        self.send_numbered(100)
        self.data.chmod(0o700)
        path = self.data / "out.pcapng"
        self.assertEqual(100, self.dump_to(running, path)["packets"])
        self.assertEqual((0, 0o600), (path.stat().st_uid, path.stat().st_mode & 0o777))
        self.assertEqual(0, check_numbers(self, [path], 100)["missing"])
        self.finish(running)
