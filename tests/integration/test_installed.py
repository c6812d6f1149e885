"""Analyzers built against what `cmake --install` leaves, as their authors build them, on files and on a live link."""

import os
import re
import subprocess

import testbed
from capture import Capture
from daemon import Daemon
from test_daemon_lending import lending_only
from testbed import Testbed, run, wait_until_bound

PACKETS = 900
FLOWS = 9

# A batch is given back once neither it nor a view of it is left, and a source that is closed says so.
CARELESS_ANALYZER = """
import sys, ringtail
library, released = ringtail._library, []
release = library.ringtail_release
library.ringtail_release = lambda batch: (released.append(batch), release(batch))
source = ringtail.Source(sys.argv[1])
batch = source.receive()[1]
packets, view = batch.packets, batch.memory(batch.packets[0])
del batch, packets
assert not released and len(view) == 100, released
del view
assert len(released) == 1, released
source.close()
for use in source.receive, source.stop, source.interrupt, source.stats, source.fileno:
    try:
        use()
        sys.exit(f"{use} went on")
    except ringtail.Error as error:
        assert "closed" in str(error)
"""


class Installed(Testbed):
    def setUp(self):
        super().setUp()
        self.prefix = self.directory / "prefix"
        run("cmake", "--install", testbed.build_directory, "--prefix", self.prefix)
        self.libraries = next(self.prefix.rglob("libringtail.so.0")).parent
        self.examples = next(self.prefix.rglob("examples"))
        self.environment = {**os.environ, "PKG_CONFIG_PATH": str(self.libraries / "pkgconfig"),
                            "LD_LIBRARY_PATH": str(self.libraries), "PYTHONDONTWRITEBYTECODE": "1"}
        del self.environment["RINGTAIL_MODULE_DIR"]  # that of the build tree
        self.ringtail = self.prefix / "bin" / "ringtail"
        self.veth()

    @staticmethod
    def compiler(language):
        """The one that the library was built with."""
        cache = (testbed.build_directory / "CMakeCache.txt").read_text()
        return re.search(rf"(?m)^CMAKE_{language}_COMPILER:\w+=(.+)$", cache).group(1)

    def pkg_config(self, package):
        return run("pkg-config", "--cflags", "--libs", package, env=self.environment).stdout.split()

    def check_counts(self, *command, flows=False):
        """Counts on a live link what the installed program records, and then in its file."""
        live = self.start(*command, "rx0", PACKETS, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          env=self.environment)
        wait_until_bound()
        capture = Capture(self)
        self.send_numbered(PACKETS, "--size", 100, "--flows", FLOWS)
        self.assertEqual(PACKETS, capture.finish()["written_packets"])
        expected = f"{PACKETS} packets, {PACKETS * 100} bytes" + (f", {FLOWS} flows" if flows else "") + ", 0 dropped"
        self.assertEqual(expected, live.communicate(timeout=testbed.LONGEST_WAIT)[0].splitlines()[-1])
        self.assertEqual(0, live.returncode)
        again = run(*command, f"file:{capture.path}", env=self.environment)
        self.assertEqual(expected, again.stdout.splitlines()[-1])
        missing = run(*command, "nosuch0", status=1, env=self.environment)
        self.assertIn("nosuch0", missing.stderr)

    def test_cmake_package(self):
        build = self.directory / "build"
        run("cmake", "-S", self.examples, "-B", build, f"-DCMAKE_PREFIX_PATH={self.prefix}",
            f"-DCMAKE_C_COMPILER={self.compiler('C')}", f"-DCMAKE_CXX_COMPILER={self.compiler('CXX')}")
        run("cmake", "--build", build, seconds=120)
        self.check_counts(build / "flow_counter", flows=True)
        self.check_counts(build / "packet_counter")

    def test_pkg_config_for_cpp(self):
        program = self.directory / "flow_counter"
        run(self.compiler("CXX"), "-std=c++20", self.examples / "flow_counter.cpp", "-o", program,
            *self.pkg_config("ringtail"), seconds=120)
        self.check_counts(program, flows=True)

    def test_pkg_config_for_c(self):
        program = self.directory / "packet_counter"
        run(self.compiler("C"), "-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror",
            self.examples / "packet_counter.c", "-o", program, *self.pkg_config("ringtail-c"))
        self.check_counts(program)

    def test_python(self):
        self.check_counts("python3", self.examples / "python" / "protocol_counter.py")

    def test_python_without_care(self):
        capture = Capture(self)
        self.send_numbered(10, "--size", 100)
        self.assertEqual(10, capture.finish()["written_packets"])
        run("python3", "-c", CARELESS_ANALYZER, f"file:{capture.path}",
            env={**self.environment, "PYTHONPATH": str(self.examples / "python")})

    def test_on_what_a_daemon_lends(self):
        running = Daemon(self, lending_only())
        counter = self.directory / "packet_counter"
        run(self.compiler("C"), "-std=c99", self.examples / "packet_counter.c", "-o", counter,
            *self.pkg_config("ringtail-c"))
        environment = {**self.environment, "RINGTAIL_RUN_DIR": str(running.run_dir)}
        python = ("python3", self.examples / "python" / "protocol_counter.py")
        analyzers = [self.start(*command, "ringtail:cap", PACKETS, stdout=subprocess.PIPE, text=True, env=environment)
                     for command in ((counter,), python)]
        running.wait_for("cap", "both", lambda now: len(now["share"]["clients"]) == 2)
        self.send_numbered(PACKETS, "--size", 100)
        for analyzer in analyzers:
            said = analyzer.communicate(timeout=testbed.LONGEST_WAIT)[0].splitlines()[-1]
            self.assertEqual(f"{PACKETS} packets, {PACKETS * 100} bytes, 0 dropped", said)
        running.finish()

    def test_the_dpdk_module_is_found_where_it_was_installed(self):
        counted = run(self.ringtail, "count", "--no-huge", "-i", "dpdk:net_null0", "-c", 100, env=self.environment)
        self.assertIn("100 packets", counted.stdout)
        show = ("import ringtail; ringtail.Source('dpdk:net_null0', dpdk_huge_pages=0)\n"
                "for line in open('/proc/self/maps'):\n"
                "    if 'libringtail' in line: print(line.split()[-1])")
        maps = run("python3", "-c", show, env={**self.environment, "PYTHONPATH": str(self.examples / "python")}).stdout
        self.assertIn(f"{self.libraries}/ringtail/libringtail-dpdk.so", maps.splitlines())
