"""Bad input: one line that says what was tried and why it failed, and the exit status that scripts rely on."""

import json
import os
import subprocess

from testbed import Testbed, run, wait_until_bound


class Errors(Testbed):
    def setUp(self):
        super().setUp()
        self.veth()
        self.path = self.directory / "out.pcapng"

    def complaint(self, status, *words, command=()):
        """The one line on standard error; no file is left behind."""
        done = run(*command, self.ringtail, *words, status=status, seconds=20)
        lines = done.stderr.splitlines()
        self.assertEqual(1, len(lines), done.stderr)
        self.assertRegex(lines[0], r"^ringtail: [^:]+: .+")
        self.assertEqual("", done.stdout)
        self.assertFalse(self.path.exists(), "nothing was captured, so there is no file")
        return lines[0]

    def capture(self, *words, status=1, **options):
        return self.complaint(status, "capture", "-i", "rx0", "-w", self.path, *words, **options)

    def test_no_such_interface(self):
        line = self.complaint(1, "capture", "-i", "nosuch0", "-w", self.path)
        self.assertIn("nosuch0", line)
        self.assertIn("No such device", line)
        self.assertIn("nosuch0", self.complaint(1, "count", "-i", "nosuch0"))

    def test_impossible_interface_names(self):
        self.complaint(1, "capture", "-i", "a-name-of-more-than-fifteen-letters", "-w", self.path)
        self.complaint(2, "capture", "-i", "", "-w", self.path)

    def test_no_permission(self):
        os.chmod(self.directory, 0o777)
        nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all"]
        self.ringtail = self.where_everyone_may_enter(self.ringtail)
        line = self.capture(command=nobody)
        self.assertIn("Operation not permitted", line)
        self.assertIn("CAP_NET_RAW", line)

    def where_everyone_may_enter(self, program):
        """The build may lie in somebody's home."""
        place = self.directory / "ringtail"
        place.touch()
        run("mount", "--bind", program, place)
        self.addCleanup(run, "umount", "-l", place)
        return place

    def test_bad_filter_shows_where(self):
        line = self.capture("-f", "tcp port 80 and prot 7")
        self.assertIn("tcp port 80 and prot 7", line)
        self.assertRegex(line, r"(position|column|character|at|near) .*(17|16|prot)")

    def test_filter_that_does_not_fit_the_link(self):
        self.capture("-f", "wlan type mgt")

    def test_impossible_geometry(self):
        for options in (["--block-size", "1000"], ["--block-size", "2097152", "-B", "1"], ["--block-size", "1"]):
            with self.subTest(options):
                self.capture(*options, status=None)

    def test_more_memory_than_there_is(self):
        line = self.capture("-B", str(1 << 20))  # one TiB
        self.assertIn("ring", line)

    def test_link_type_that_is_not_offered(self):
        self.assertIn("-L", self.capture("-y", "IEEE802_11"))

    def test_no_such_user(self):
        self.capture("-Z", "no-such-user")

    def test_impossible_requests(self):
        for words in (["-F", "pcap", "--layout", "dilate"], ["--no-such-option"], ["-s", "many"], ["-c", "-1"],
                      ["-a", "sometime"], ["-b", "files:3"], ["-F", "tar"], ["-i", "rx0", "--fanout", "hash"]):
            with self.subTest(words):
                self.capture(*words, status=2)
        self.complaint(2, "capture", "-i", "rx0", "-w", "-", "--json", "-")
        self.complaint(2, "no-such-command")

    def test_several_link_types_in_classic_pcap(self):
        made = self.ip("tuntap", "add", "tun0", "mode", "tun", status=None)
        if made.returncode != 0:
            self.skipTest(f"no tun device: {made.stderr.strip()}")
        self.ip("link", "set", "tun0", "up")
        self.complaint(2, "capture", "-F", "pcap", "-i", "rx0", "-i", "tun0", "-w", self.path)

    def test_summary_of_a_failure(self):
        summary = self.directory / "summary.json"
        self.complaint(1, "capture", "-i", "nosuch0", "-w", self.path, "--json", summary)
        self.assertIn("nosuch0", json.loads(summary.read_text())["error"])


class Commands(Testbed):
    def setUp(self):
        super().setUp()
        self.veth()

    def test_help_has_an_example(self):
        for command in ([], ["capture"], ["count"], ["list"]):
            with self.subTest(command):
                self.assertIn("ringtail", run(self.ringtail, *command, "--help").stdout)

    def test_list(self):
        devices = json.loads(run(self.ringtail, "list", "--json").stdout)
        self.assertEqual({"lo", "rx0", "tx0"}, {device["name"] for device in devices})
        listed = run(self.ringtail, "capture", "-D").stdout
        self.assertIn("rx0", listed)

    def test_link_types(self):
        self.assertIn("EN10MB", run(self.ringtail, "capture", "-L", "-i", "rx0").stdout)

    def test_compiled_filter(self):
        self.assertIn("(000)", run(self.ringtail, "capture", "-d", "-i", "rx0", "-f", "tcp").stdout)

    def test_count(self):
        counting = self.start(self.ringtail, "count", "-i", "rx0", "-c", "500", "--json", "-", stdout=subprocess.PIPE)
        wait_until_bound()
        self.send_numbered(1_000, "--size", 100)
        account = json.loads(counting.communicate(timeout=20)[0])
        source = account["sources"][0]
        self.assertEqual(500, source["delivered"])
        self.assertEqual(source["received"], source["delivered"] + source["dropped_ring"] + source["unread"])
