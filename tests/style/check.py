#!/usr/bin/env python3
"""Checks the house rules that no compiler knows:  check.py NAME... [--root FOLDER]

Prints one line per fault and exits 1; exits 77 when a check cannot run here.
"""

import argparse
import pathlib
import sys

import compilers
import documents
import includes
import rules
import sizes
from tree import Tree

CHECKS = {
    "includes": includes.check,
    "sizes": sizes.check,
    "rules": rules.check,
    "documents": documents.check,
    "format": compilers.check_format,
    "headers": compilers.check_headers,
}
SKIPPED = 77


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(CHECKS))
    parser.add_argument("--root", default=pathlib.Path(__file__).resolve().parents[2])
    arguments = parser.parse_args()
    tree = Tree(arguments.root)
    faults = []
    try:
        for name in arguments.names or CHECKS:
            faults += CHECKS[name](tree)
    except compilers.Unavailable as reason:
        print(f"SKIPPED: {reason}")
        return SKIPPED
    print("\n".join(faults))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
