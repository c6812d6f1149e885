"""What must not stand in a source file, wherever it compiles."""

import re

from tree import matching_lines

# What the library must not do: throw, end the process, or write to the standard streams.
_ENDS_OR_PRINTS = (r"\bthrow\b|\b(?:std::)?(abort|_?exit|quick_exit|terminate)\s*\(|"
                   r"\b(v?f?printf|f?puts|putchar|perror)\s*\(|\bstd::(cout|cerr|clog)\b|#include <iostream>")
MAY_ABORT = {"lib/base/contract.hpp"}

# Put together here so that this file does not find itself.
_LEFT_OPEN = r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" + "XX")) + r")\b"
_PRIVATE_PLACE = r"(?<![\w./])/(" + "|".join(("home", "root", "Users", "wo" + "rk", "tmp/" + "wt")) + r")/\w"


def _header_faults(file):
    if not re.search(r"(?m)^#pragma once$", file.text) and file.suffix == ".hpp":
        yield f"{file.path}: no #pragma once"
    # At the margin, as clang-format puts it: outside of functions. Literals are what such namespaces are for.
    for line, _ in matching_lines(file.code(), r"(?m)^using namespace (?!std::(\w+_)?literals;)"):
        yield f"{file.path}:{line}: a header must not open a namespace for all who include it"


def _library_faults(file):
    code = file.code()
    if file.path not in MAY_ABORT:
        for line, match in matching_lines(code, _ENDS_OR_PRINTS):
            yield f"{file.path}:{line}: the library does not throw, end the process or print: '{match.group().strip()}'"
    if not file.is_under("lib/tpacket"):
        for line, _ in matching_lines(code, r"\batomic_ref\b"):
            yield f"{file.path}:{line}: std::atomic_ref is for the kernel's status words, in lib/tpacket alone"


def check(tree):
    for file in tree.code_files():
        if file.is_header:
            yield from _header_faults(file)
        if file.is_under("lib") and not file.is_under("lib/examples"):
            yield from _library_faults(file)
    for file in tree.files:
        for line, match in matching_lines(file.text, _LEFT_OPEN):
            yield f"{file.path}:{line}: finish it or leave it out: '{match.group()}'"
        for line, match in matching_lines(file.text, _PRIVATE_PLACE):
            yield f"{file.path}:{line}: a path of one machine: '{match.group()}'"
