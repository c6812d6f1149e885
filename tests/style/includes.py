"""Which room may include which, and which room alone may know a foreign library."""

import posixpath
import re

from tree import matching_lines

# The arrows of the library: a room includes itself and the rooms named here, nothing else. tests and tools may look
# into every room.
ROOMS = {
    "base": set(),
    "ring": {"base"},
    "filter": {"base", "ring"},
    "tpacket": {"base", "ring"},
    "dpdk": {"base", "ring", "filter"},
    "pcapfile": {"base", "ring", "filter"},
    "store": {"base", "ring", "pcapfile"},
    "share": {"base", "ring", "filter"},
    "control": {"base"},
    "c_api": set(),  # the public face is enough
    "examples": set(),
}
TOP_LEVEL = {"lib": set(), "capture": {"lib"}, "tools": {"lib"}, "tests": {"lib", "capture", "tools"}}

# Headers that one room keeps to itself. Tests and the bench, which compare us with the bare interface, are free.
KEPT_BY = [
    (r"linux/if_packet\.h", "lib/tpacket"),
    (r"rte_\w+\.h", "lib/dpdk"),
    (r"pcap(\.h|-.*\.h|/.*)", "lib/filter"),
    (r"numa(if)?\.h", "lib/base"),
]
FREE = ("tests", "tools/bench")

# What a public header may include beside <ringtail/...>: the standard libraries of C++ and C, and the Result type.
PUBLIC_HEADERS = re.compile(
    r"[a-z_]+|std(int|def|bool|arg)\.h|limits\.h|sys/types\.h|tl/expected\.hpp|ringtail/\w+\.h(pp)?")

_INCLUDE = r'(?m)^[ \t]*#[ \t]*include[ \t]+([<"])([^>"]+)[>"]'


def _owner(path):
    """(top-level folder, room or None) of a path."""
    parts = path.split("/")
    return parts[0], parts[1] if parts[0] == "lib" and len(parts) > 2 and parts[1] != "include" else None


def _target(tree_paths, file, included):
    """The path in the tree that `included` means, or None when it is not ours."""
    here = posixpath.dirname(file.path)
    for base in (here, "lib", "lib/include", "tools", "capture", "tests"):
        candidate = posixpath.normpath(posixpath.join(base, included))
        if candidate in tree_paths:
            return candidate
    return None


def _arrow_fault(file, target):
    top, room = _owner(file.path)
    target_top, target_room = _owner(target)
    if top != target_top:
        return None if target_top in TOP_LEVEL.get(top, set()) else f"{top} must not know {target_top}"
    if top != "lib" or room is None or target.startswith("lib/include/") or target_room == room:
        return None
    if target_room is None:
        return f"lib/{room} must not know what is built on it: {target}"
    if room not in ROOMS:
        return f"lib/{room} is not in the table of rooms in tests/style/includes.py"
    return None if target_room in ROOMS[room] else f"lib/{room} must not know lib/{target_room}"


def _foreign_fault(file, included):
    if file.is_under("lib/include") and not PUBLIC_HEADERS.fullmatch(included):
        return f"<{included}> does not belong in a public header"
    for pattern, keeper in KEPT_BY:
        if re.fullmatch(pattern, included) and not file.is_under(keeper, *FREE):
            return f"<{included}> belongs to {keeper} alone"
    return None


def check(tree):
    paths = {file.path for file in tree.files}
    for file in tree.code_files():
        for line, match in matching_lines(file.text, _INCLUDE):
            target = _target(paths, file, match.group(2))
            if match.group(1) == '"' and target is None:
                fault = f'"{match.group(2)}" is not in the tree; foreign headers stand in <>'
            elif target is not None and not target.startswith("lib/include/"):
                fault = _arrow_fault(file, target)
                if match.group(1) == "<":
                    fault = f"our own {target} stands in quotes"
            else:
                fault = _foreign_fault(file, match.group(2))
            if fault is None and file.is_under("lib/include") and match.group(1) == '"':
                fault = "a public header includes public headers only"
            if fault:
                yield f"{file.path}:{line}: {fault}"
