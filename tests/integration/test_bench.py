"""`ringtail bench`: what it reports is sane, losses and absences are told, and nothing is left behind however it ends."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import xml.etree.ElementTree

from testbed import Testbed, run, wait_until

# A tcpdump that loses every frame whose IPv4 identification (the frame's number in the bench's traffic) is odd.
HALF_BLIND = """#!/bin/sh
[ "$1" = --version ] && exec {tcpdump} --version
exec {tcpdump} "$@" 'ip[5] & 1 = 0'
"""


class Bench(Testbed):
    def setUp(self):
        super().setUp()
        self.disk = self.directory / "disk"
        self.disk.mkdir()
        self.links = self.ip("link").stdout
        self.addCleanup(self.check_nothing_is_left)

    def check_nothing_is_left(self):
        self.assertEqual([], list(self.disk.iterdir()))
        self.assertEqual(self.links, self.ip("link").stdout)

    def bench(self, *words, path=None, status=0):
        environment = {**os.environ, "PATH": str(path)} if path else os.environ
        return run(self.ringtail, "bench", "--temp-dir", self.disk, *words, status=status, seconds=140, env=environment)

    def programs(self, *names):
        """A folder with these programs and no others."""
        folder = self.directory / "bin"
        folder.mkdir()
        for name in names:
            (folder / name).symlink_to(shutil.which(name))
        return folder

    def test_quick(self):
        plot = self.directory / "plot.svg"
        markdown = self.directory / "tables.md"
        findings = json.loads(self.bench("--quick", "--json", "-", "--plot", plot, "--markdown", markdown).stdout)
        self.assertFalse(findings["interrupted"])
        self.assertEqual([], findings["skipped"])
        self.assertGreater(findings["machine"]["processors"], 0)
        self.assertTrue(findings["machine"]["processor"] and findings["machine"]["operating_system"])
        self.check_table(findings["table"]["rows"])
        self.check_race(findings["race"]["rows"])
        self.check_rates(findings["no_drop_rates"]["rows"])
        self.assertEqual("{http://www.w3.org/2000/svg}svg", xml.etree.ElementTree.parse(plot).getroot().tag)
        self.assertRegex(markdown.read_text(), r"\| ringtail \| 512 bytes \| \d+ \(\d+-\d+\) \|")

    def check_table(self, rows):
        ways = {row["way"]: row["figures"] for row in rows if row["frames"] == "1500" and row["figures"]}
        for figures in ways.values():
            self.check_figures(figures)
            self.assertEqual(0, figures["lost_packets"])
        self.assertGreater(ways["recvfrom + write"]["system_calls_per_1000_packets"], 1900)
        self.assertAlmostEqual(3, ways["libpcap + stdio"]["copies_per_byte"], delta=0.1)
        self.assertAlmostEqual(1, ways["plain O_DIRECT"]["copies_per_byte"], delta=0.1)
        if "dilate + direct" in ways:  # the file system has direct I/O
            self.assertAlmostEqual(1, ways["dilate + direct"]["copies_per_byte"], delta=0.1)

    def check_race(self, rows):
        self.assertEqual("ringtail", rows[0]["contestant"])
        for row in rows:
            self.assertIsNone(row["unavailable"], row)
            self.check_figures(row["figures"])

    def check_rates(self, rows):
        for row in rows:
            self.assertIsNone(row["unavailable"], row)
            self.assertTrue(row["trials"])
            for trial in row["trials"]:
                self.assertLessEqual(trial["captured_packets"], trial["offered_packets"])

    def check_figures(self, figures):
        self.assertGreater(figures["captured_packets"], 0)
        lost = figures["offered_packets"] - figures["captured_packets"]
        self.assertEqual(lost, figures["lost_packets"])
        self.assertGreaterEqual(lost, 0)
        self.assertGreaterEqual(figures["copies_per_byte"], 1)
        self.assertGreaterEqual(figures["file_bytes_per_captured_byte"], 1)

    def test_losses_stand_beside_the_figure(self):
        self.need_program("tcpdump")
        folder = self.programs("ip", "sh")
        fake = folder / "tcpdump"
        fake.write_text(HALF_BLIND.format(tcpdump=shutil.which("tcpdump")))
        fake.chmod(0o755)
        json_path = self.directory / "bench.json"
        text = self.bench("--quick", "--part", "race", "--json", json_path, path=folder).stdout
        rows = {row["contestant"]: row["figures"] for row in json.loads(json_path.read_text())["race"]["rows"]}
        self.assertAlmostEqual(rows["tcpdump"]["offered_packets"] / 2, rows["tcpdump"]["lost_packets"], delta=64)
        self.assertRegex(text, rf"tcpdump .*\b{rows['tcpdump']['lost_packets']} \((49|50)\.\d\d %\)")

    def test_peers_that_are_not_installed(self):
        done = self.bench("--quick", "--part", "race", "--json", "-", path=self.programs("ip"))
        findings = json.loads(done.stdout)
        self.assertEqual(["ringtail"], [row["contestant"] for row in findings["race"]["rows"]])
        self.assertRegex("\n".join(findings["absent_contestants"]), "tcpdump: it is not installed")

    def test_without_root(self):
        os.chmod(self.directory, 0o755)
        os.chmod(self.disk, 0o777)
        program = self.directory / "ringtail"
        shutil.copy(self.ringtail, program)
        command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all", program, "bench",
                   "--quick", "--temp-dir", self.disk]
        refused = run(*command, "--part", "race", status=1)
        self.assertRegex(refused.stderr, "run as root")
        done = run(*command, "--part", "race", "--part", "table", "--json", "-")
        findings = json.loads(done.stdout)
        self.assertRegex(findings["skipped"][0], "run as root")
        self.assertTrue(findings["table"]["rows"])

    def test_interrupted(self):
        json_path = self.directory / "bench.json"
        messages = self.directory / "stderr"
        with messages.open("wb") as stderr:
            process = self.start(self.ringtail, "bench", "--part", "race", "--frames", "512", "--temp-dir", self.disk,
                                 "--json", json_path, stdout=subprocess.DEVNULL, stderr=stderr)
        wait_until(lambda: "race: " in messages.read_text(), "the race to begin", seconds=60)
        process.send_signal(signal.SIGINT)
        self.assertEqual(1, process.wait(60), messages.read_text())
        self.assertTrue(json.loads(json_path.read_text())["interrupted"])
        self.assertEqual([], self.other_processes())

    @staticmethod
    def other_processes():
        """Command lines of all processes but this one: the case has a process namespace of its own."""
        found = []
        for folder in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except FileNotFoundError:
                continue
            if int(folder.name) != os.getpid() and command:
                found.append(command)
        return found

    def test_bad_command_lines(self):
        for words in (["--frames", "59"], ["--frames", "9001"], ["--part", "everything"], ["--quick", "--full"]):
            with self.subTest(words):
                self.assertIn("ringtail", self.bench(*words, status=2).stderr)
        self.bench("--plot", self.directory / "nowhere" / "plot.svg", status=1)
        run(self.ringtail, "bench", "--temp-dir", self.directory / "nowhere", status=1)
