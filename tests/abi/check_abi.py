#!/usr/bin/env python3
"""Compares libringtail.so with the recorded binary interface:  check_abi.py LIBRARY RECORD [--write]

Exit status: 0 as recorded, 1 different, 77 cannot be judged here. --write makes the record anew: after an addition, or
when the SONAME has grown because something that programs rely on has changed.
"""

import argparse
import pathlib
import platform
import shutil
import subprocess
import sys
import tempfile

SKIPPED = 77
HERE = pathlib.Path(__file__).resolve().parent
RECORDED_MACHINE = "x86_64"
CHANGED, INCOMPATIBLE = 4, 8  # bits of abidiff's exit status; lower ones are its own errors


def write_record(library, path):
    """The functions that `library` exports, the types they speak of, and nothing of where it was built."""
    subprocess.run(["abidw", "--exported-interfaces-only", "--suppressions", HERE / "not_recorded.abignore",
                    "--no-corpus-path", "--no-comp-dir-path", "--no-show-locs", "--no-elf-needed",
                    "--type-id-style", "hash", "--out-file", path, library], check=True)


def compare(library, record):
    with tempfile.TemporaryDirectory() as folder:
        built = pathlib.Path(folder, "built.abi")
        write_record(library, built)
        found = subprocess.run(["abidiff", "--suppressions", HERE / "not_compared.abignore", record, built],
                               capture_output=True, text=True, check=False)
    if found.returncode == 0:
        return 0
    print(found.stdout, found.stderr)
    if found.returncode & INCOMPATIBLE:
        print("Programs built with the recorded interface would break: undo the change, or raise the SONAME.")
    elif found.returncode & CHANGED:
        print("Do programs built with the recorded interface survive this? Then build 'record_abi'. Else undo the change, "
              "or raise the SONAME.")
    return 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("library", type=pathlib.Path)
    parser.add_argument("record", type=pathlib.Path)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    if shutil.which("abidiff") is None:
        print("SKIPPED: abidiff is not installed (Debian: abigail-tools)")
        return SKIPPED
    if platform.machine() != RECORDED_MACHINE:
        print(f"SKIPPED: the interface is recorded for {RECORDED_MACHINE} only")
        return SKIPPED
    if arguments.write:
        write_record(arguments.library, arguments.record)
        return 0
    return compare(arguments.library, arguments.record)


if __name__ == "__main__":
    sys.exit(main())
