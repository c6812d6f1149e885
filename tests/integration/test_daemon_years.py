"""ringtaild as it is shipped, through all that happens to it in years: every frame is in a file or in a counter."""

import json
import os
import re
import signal
import subprocess

import daemon
import readers
from daemon import Daemon, check_numbers, files, with_line
from test_daemon import DaemonCase
from testbed import run, wait_until

ROTATIONS = 1000
FRAMES_PER_FILE = 20
RATE = 20_000


class Years(DaemonCase):
    """The sample's capture `uplink` writes what comes on two links. `recorder`, made of the same lines, is a flight
    recorder on the second of them."""

    def setUp(self):
        super().setUp()
        self.veth("tx1", "rx1")
        self.mount_memory("64m")
        self.dumps = self.directory / "dumps"
        self.dumps.mkdir()
        self.sent = 0

    def configuration(self, *lines):
        uplink = daemon.sample_configuration(self.data, "rx0", "rx1")
        for line in lines:
            uplink = with_line(uplink, line)
        recorder = daemon.sample_configuration(self.dumps, "rx1").replace('"uplink"', '"recorder"')
        for line in ("[capture.flight]", "seconds = 30.0", "#rotate_bytes", "#rotate_at_seconds"):
            recorder = with_line(recorder, line)
        return uplink + recorder[recorder.index("[[capture]]"):]

    def send(self, count, *options, interface="tx0"):
        self.send_numbered(count, "--first", self.sent, "--rate", RATE, *options, interface=interface)
        self.sent += count

    def start_sending(self, count, rate):
        """Frames into the first link while something else happens."""
        sender = self.start(self.helper("frame_sender"), "-i", "tx0", "--count", count, "--first", self.sent,
                            "--rate", rate, stdout=subprocess.PIPE)
        self.sent += count
        return sender

    def finish_sending(self, sender, count):
        self.assertEqual(count, json.loads(sender.communicate(timeout=60)[0])["accepted"])

    def received(self, running):
        """All that was sent is in the books, which balance; the capture's status."""
        running.wait_for("uplink", f"{self.sent} packets",
                         lambda now: sum(source["received"] for source in now["sources"]) >= self.sent
                         and not any(source["unread"] for source in now["sources"]))
        status = running.status("uplink")
        running.check_status_books(status)
        self.assertEqual(self.sent, sum(source["received"] for source in status["sources"]))
        self.assertEqual(status["delivered"],
                         status["written_packets"] + status["dropped_writer"] + status["discarded_paused"], status)
        return status

    def dump(self, running, name, count):
        """What the flight recorder has: the newest `count` frames. The file that it made of them."""
        running.wait_for("recorder", f"{count} packets", lambda now: now["flight"]["held_packets"] >= count)
        path = self.directory / name
        said = json.loads(run(self.ringtail, "dump", "recorder", "--last", "30s", "-w", path, "--json", "--run-dir",
                              running.run_dir).stdout)
        self.assertEqual(count, said["packets"])
        self.assertEqual(0, check_numbers(self, [path], count, self.sent - count)["missing"])
        self.assertEqual(count, readers.capinfos(self, path)["Number of packets"])
        return path

    # What happens, one thing after the other

    def rotate_a_thousand_times(self, running):
        each = ROTATIONS * FRAMES_PER_FILE // 2
        sender = self.start_sending(each, RATE)
        self.send(each, interface="tx1")
        self.finish_sending(sender, each)
        self.dump(running, "before.pcapng", each)
        status = self.received(running)
        self.assertGreaterEqual(status["files_total"], ROTATIONS)

    def reload_and_replace_a_link(self, running):
        """While frames come on the other one."""
        sender = self.start_sending(8_000, 4_000)
        running.write_configuration(self.configuration("#quota_free_percent"))
        running.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "took over a new configuration" in running.log(), "the reload")
        self.ip("link", "del", "rx1")
        for name in ("uplink", "recorder"):
            running.wait_for(name, "the loss to be seen", lambda now: now["state"] == "waiting")
        self.veth("tx1", "rx1")
        for name in ("uplink", "recorder"):
            running.wait_for(name, "the interface to be back", lambda now: now["state"] == "running")
        self.finish_sending(sender, 8_000)
        self.send(1_000, interface="tx1")
        self.dump(running, "after.pcapng", 1_000)
        self.received(running)
        self.assertRegex(running.log(), r"capture=uplink gap of [\d.]+ s on rx1: was away")

    def fill_the_disk(self, running):
        ballast = self.data / "ballast"
        room = os.statvfs(self.data)
        run("fallocate", "-l", room.f_bavail * room.f_bsize - (1 << 20), ballast)
        self.send(5_000, "--size", 1_000)
        running.wait_for("uplink", "a full disk", lambda now: now["dropped_writer"] > 0)
        self.received(running)
        running.wait_for("uplink", "the failure to be seen", lambda now: now["state"] == "failing")
        ballast.unlink()
        running.wait_for("uplink", "the capture to recover", lambda now: now["state"] == "running")
        self.send(1_000)
        return self.received(running)

    def kill(self, running, written):
        """Under traffic, with some of it on disk. What is there afterwards is all but the newest frames."""
        running.do("uplink", "rotate")
        wait_until(lambda: check_numbers(self, files(self.data), self.sent)["packets"] == written, "the finished file")
        first, count = self.sent, 6_000
        sender = self.start_sending(count, 4_000)
        hidden = lambda: sorted(self.data.glob(".uplink*.part"))
        wait_until(lambda: readers.check_numbered(self, hidden(), count, first)["distinct"] > 500, "frames on disk")
        running.process.kill()
        running.process.wait()
        self.finish_sending(sender, count)
        running.start()
        name, packets = re.findall(r"finished (\S+), which an earlier run had left: (\d+) packets", running.log())[-1]
        verdict = check_numbers(self, [self.data / name], count, first)
        kept = int(packets)
        self.assertGreater(kept, 500)
        self.assertEqual(kept, verdict["packets"])
        end = [[first + kept, first + count - 1]] if kept < count else []
        self.assertEqual(end, verdict["missing_ranges"], "nothing but the end is lost")
        self.assertEqual(f"{kept} packets\n", run("tcpdump", "-r", self.data / name, "--count").stdout)
        return kept, count - kept

    def test_all_of_it(self):
        for program in ("capinfos", "tshark", "tcpdump"):
            self.need_program(program)
        running = Daemon(self, self.configuration(f"rotate_packets = {FRAMES_PER_FILE}"))
        self.rotate_a_thousand_times(running)
        self.reload_and_replace_a_link(running)
        before = self.fill_the_disk(running)
        kept, lost = self.kill(running, before["written_packets"])
        self.send(1_000)
        self.send(1_000, interface="tx1")
        last = self.dump(running, "last.pcapng", 1_000)
        self.assertEqual(1_000, len(readers.fields_of_tshark(self, last, "frame.number")))
        self.delivered(running, 2_000, "uplink")
        after = running.finish()["uplink"]

        self.assertEqual(2_000, after["delivered"])
        written = before["written_packets"] + kept + after["written"]
        dropped = sum(source["dropped_ring"] for source in before["sources"]) + before["dropped_writer"]
        self.assertEqual(self.sent, written + dropped + lost + after["dropped_writer"])
        verdict = check_numbers(self, files(self.data), self.sent)
        self.assertEqual((written, self.sent - written), (verdict["packets"], verdict["missing"]))
        counted = re.findall(r"(?m)^Number of packets:\s+(\d+)", run("capinfos", "-Mc", *files(self.data)).stdout)
        self.assertEqual(written, sum(map(int, counted)))
        self.assertEqual([], list(self.data.glob(".*")), "nothing hidden is left")
        self.assertEqual([], list(running.run_dir.iterdir()), "no socket is left")
