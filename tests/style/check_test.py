#!/usr/bin/env python3
"""Plants faults in small trees of their own: a check that cannot find any proves nothing."""

import os
import pathlib
import tempfile
import unittest

import compilers
import documents
import includes
import rules
import sizes
from tree import Tree


def faults(check, files):
    """What `check` finds in a tree of `files`, a text for each path."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            path = pathlib.Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return list(check(Tree(folder)))


class Includes(unittest.TestCase):
    HEADERS = {
        "lib/base/fd.hpp": "",
        "lib/ring/slot.hpp": "",
        "lib/tpacket/walk.hpp": "",
        "lib/open.hpp": "",
        "lib/include/ringtail/batch.hpp": "",
        "tools/report.hpp": "",
    }

    def assert_include(self, path, included, allowed):
        found = faults(includes.check, {**self.HEADERS, path: f"#include {included}\n"})
        self.assertEqual(found == [], allowed, f"{path} includes {included}: {found}")

    def test_arrows_run_downwards(self):
        self.assert_include("lib/tpacket/ring.cpp", '"ring/slot.hpp"', True)
        self.assert_include("lib/tpacket/ring.cpp", '"tpacket/walk.hpp"', True)
        self.assert_include("lib/open.cpp", '"tpacket/walk.hpp"', True)
        self.assert_include("tools/count.cpp", '"base/fd.hpp"', True)
        self.assert_include("tools/count.cpp", '"report.hpp"', True)
        self.assert_include("lib/base/fd.cpp", '"ring/slot.hpp"', False)
        self.assert_include("lib/filter/bpf.cpp", '"tpacket/walk.hpp"', False)
        self.assert_include("lib/tpacket/ring.cpp", '"open.hpp"', False)
        self.assert_include("lib/base/fd.cpp", '"report.hpp"', False)
        self.assert_include("capture/main.cpp", '"tools/report.hpp"', False)
        self.assert_include("lib/attic/old.cpp", '"ring/slot.hpp"', False)
        self.assert_include("lib/c_api/source.cpp", "<ringtail/batch.hpp>", True)
        self.assert_include("lib/c_api/source.cpp", '"ring/slot.hpp"', False)

    def test_public_headers_know_only_public_ones(self):
        self.assert_include("lib/include/ringtail/source.hpp", "<ringtail/batch.hpp>", True)
        self.assert_include("lib/include/ringtail/source.hpp", "<string_view>", True)
        self.assert_include("lib/include/ringtail/source.hpp", '"base/fd.hpp"', False)
        self.assert_include("lib/include/ringtail/source.hpp", "<linux/filter.h>", False)
        self.assert_include("lib/include/ringtail/source.hpp", "<numa.h>", False)

    def test_some_foreign_headers_have_one_room(self):
        self.assert_include("lib/tpacket/ring.cpp", "<linux/if_packet.h>", True)
        self.assert_include("lib/ring/slot.cpp", "<linux/if_packet.h>", False)
        self.assert_include("lib/dpdk/port.cpp", "<rte_mbuf.h>", True)
        self.assert_include("lib/store/sink.cpp", "<rte_mbuf.h>", False)
        self.assert_include("tools/list.cpp", "<pcap/pcap.h>", False)
        self.assert_include("tools/list.cpp", "<pcap.h>", False)
        self.assert_include("tools/bench/walk.cpp", "<pcap.h>", True)
        self.assert_include("tests/unit/filter_test.cpp", "<pcap/pcap.h>", True)

    def test_quotes_are_for_our_own_files(self):
        self.assert_include("lib/ring/slot.cpp", '"stdio.h"', False)
        self.assert_include("lib/ring/slot.cpp", "<ring/slot.hpp>", False)


class Sizes(unittest.TestCase):
    BUILT = {"CMakeLists.txt": "a.cpp"}

    def test_long_functions(self):
        body = "  step();\n" * 90
        for head in ("void walk()", "int Ring::walk(int a) const noexcept", "template <class T>\nvoid walk(T t)",
                     "Ring::Ring(int a) : a_(a)", "TEST(Ring, Walks)"):
            code = f"namespace x {{\n\nclass Y {{\n  int z = 0;\n}};\n\n{head} {{\n{body}}}\n\n}}\n"
            self.assertEqual(len(faults(sizes.check, {"a.cpp": code, **self.BUILT})), 1, head)
            self.assertEqual(faults(sizes.check, {"a.cpp": code.replace(body, "  step();\n"), **self.BUILT}), [], head)

    def test_long_scopes_and_tables_are_no_functions(self):
        members = "  int f(int a) const { return a; }\n" * 90
        table = "    {1, 2},\n" * 90
        self.assertEqual(faults(sizes.check, {"a.cpp": f"class X {{\n{members}}};\n", **self.BUILT}), [])
        self.assertEqual(faults(sizes.check, {"a.cpp": f"constexpr Pair table[] = {{\n{table}}};\n", **self.BUILT}), [])

    def test_braces_in_comments_and_strings_do_not_count(self):
        code = 'void f() {\n  // {\n  g("{", \'{\', 1\'000, R"(}{)");\n}\n' * 60
        self.assertEqual(faults(sizes.check, {"a.cpp": code, **self.BUILT}), [])

    def test_long_files(self):
        self.assertEqual(len(faults(sizes.check, {"a.cpp": "int a;\n" * 401, **self.BUILT})), 1)
        self.assertEqual(faults(sizes.check, {"a.cpp": "int a;\n" * 400, **self.BUILT}), [])

    def test_sources_that_nothing_builds(self):
        self.assertEqual(len(faults(sizes.check, {"lib/b.cpp": "", "lib/CMakeLists.txt": "ab.cpp b.hpp"})), 1)
        self.assertEqual(faults(sizes.check, {"lib/b.cpp": "", "lib/CMakeLists.txt": "a.cpp b.cpp"}), [])


class Rules(unittest.TestCase):
    def assert_fault(self, path, text, expected):
        found = faults(rules.check, {path: text})
        self.assertEqual(found != [], expected, f"{text!r} in {path}: {found}")

    def test_headers(self):
        self.assert_fault("lib/a.hpp", "// A.\nint a;\n", True)
        self.assert_fault("lib/a.hpp", "#pragma once\n\nusing namespace std;\n", True)
        self.assert_fault("lib/a.hpp", "#pragma once\n\nusing namespace std::chrono_literals;\n", False)
        self.assert_fault("lib/a.cpp", "using namespace std;\n", False)

    def test_the_library_neither_ends_the_process_nor_prints(self):
        for code in ("throw 1;", "std::abort();", "exit(1);", "printf(text);", "std::cerr << 1;", "std::fputs(a, b);"):
            self.assert_fault("lib/a.cpp", code, True)
            self.assert_fault("tools/a.cpp", code, False)
            self.assert_fault("lib/a.cpp", f"// {code}\n", False)
        for code in ("snprintf(buffer, 1, text);", 'log("printf(");', "thread.at_exit(1);", "outputs(1);"):
            self.assert_fault("lib/a.cpp", code, False)
        self.assert_fault("lib/base/contract.hpp", "#pragma once\nstd::abort();", False)

    def test_atomic_ref(self):
        self.assert_fault("lib/ring/a.cpp", "std::atomic_ref<int> a(b);", True)
        self.assert_fault("lib/tpacket/a.cpp", "std::atomic_ref<int> a(b);", False)

    def test_words_and_paths(self):
        self.assert_fault("README.md", "TO" + "DO: write this", True)
        self.assert_fault("a.cpp", 'mkstemp("name' + 6 * "X" + '");', False)
        self.assert_fault("scripts/a.sh", "cd /ho" + "me/somebody/ringtail", True)
        self.assert_fault("a.cpp", "work/home/x and /homework", False)


class Documents(unittest.TestCase):
    def test_links(self):
        text = "[a](b.md) [c](lib/) [d](https://x.example) [e](#part) [f](b.md#part) `[g](no.md)`\n"
        self.assertEqual(faults(documents.check, {"README.md": text, "b.md": "", "lib/c.md": ""}), [])
        self.assertEqual(len(faults(documents.check, {"README.md": "see\n[a](no.md)\n"})), 1)

    def test_scripts(self):
        found = faults(documents.check, {"a.sh": "#!/usr/bin/env bash\nif true; then\n"})
        self.assertEqual(len(found), 2, "it does not parse and it cannot be executed")


class Compilers(unittest.TestCase):
    def test_headers_compile_alone(self):
        self.assertEqual(len(faults(compilers.check_headers, {"lib/include/ringtail/a.hpp": "std::string a();\n"})), 1)
        self.assertEqual(faults(compilers.check_headers, {"lib/include/ringtail/a.hpp": "struct A {};\n"}), [])
        self.assertEqual(len(faults(compilers.check_headers, {"lib/include/ringtail/a.h": "class A {};\n"})), 1)

    def test_format(self):
        try:
            found = faults(compilers.check_format, {"a.cpp": "int  a ;\n"})
        except compilers.Unavailable as reason:
            self.skipTest(str(reason))
        self.assertEqual(len(found), 1)


if __name__ == "__main__":
    os.environ.setdefault("CXX", "c++")
    unittest.main()
