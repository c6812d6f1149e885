"""Runs a program that may make certain system calls only; any other kills it.

    only_calls.py read,write,exit_group,... PROGRAM ARGUMENTS

Expects no_new_privs to be set (seccomp(2)). It stands alone, so that it can be copied to where any user may read it.
"""

import ctypes
import os
import sys

KILL_PROCESS = 0x80000000  # SCMP_ACT_KILL_PROCESS, seccomp.h
ALLOW = 0x7FFF0000  # SCMP_ACT_ALLOW


def main():
    names, *command = sys.argv[1:]
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(library.seccomp_init(KILL_PROCESS))
    for name in names.split(","):
        number = library.seccomp_syscall_resolve_name(name.encode())
        if number >= 0:  # else this processor has no such call
            library.seccomp_rule_add_array(context, ALLOW, number, 0, None)
    if library.seccomp_load(context) != 0:
        sys.exit("no seccomp here")
    os.execv(command[0], command)


if __name__ == "__main__":
    main()
