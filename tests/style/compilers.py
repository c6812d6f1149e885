"""What other programs judge: clang-format, and the compiler on each public header alone."""

import os
import re
import shutil
import subprocess


class Unavailable(Exception):
    """The program that would judge is not here."""


def check_format(tree):
    formatter = shutil.which("clang-format-14")  # the version that .clang-format was written for
    if formatter is None:
        raise Unavailable("clang-format-14 is not installed")
    paths = [file.path for file in tree.code_files()]
    result = subprocess.run([formatter, "--dry-run", "-Werror", *paths], cwd=tree.root, capture_output=True, text=True,
                            check=False)
    places = dict.fromkeys(re.findall(r"(?m)^(\S+?:\d+):\d+: error", result.stderr))  # each line once
    yield from (f"{place}: clang-format -i would change it" for place in places)
    if result.returncode != 0 and not places:
        yield result.stderr.strip()


def check_headers(tree):
    """A C++ header must compile as C++20, a C header as C99 and as C++20, with nothing included before."""
    compilers = {"c++": [os.environ.get("CXX", "c++"), "-std=c++20"], "c": [os.environ.get("CC", "cc"), "-std=c99"]}
    for file in tree.code_files("lib/include"):
        for language in ["c++"] if file.suffix == ".hpp" else ["c++", "c"]:
            command = [*compilers[language], "-x", language, "-Wall", "-Wextra", "-Wpedantic", "-Werror",
                       "-Ilib/include", "-fsyntax-only", "-"]
            name = file.path.removeprefix("lib/include/")
            result = subprocess.run(command, cwd=tree.root, input=f"#include <{name}>\n", capture_output=True,
                                    text=True, check=False)
            if result.returncode != 0:
                yield f"{file.path}: does not compile alone as {language}:\n{result.stderr.strip()}"
