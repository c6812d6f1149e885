"""Links in Markdown lead somewhere; shell scripts at least parse."""

import os
import re
import subprocess

from tree import matching_lines

_LINK = r"\[[^\]]*\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)"
_ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|#")


def _without_code(text):
    return re.sub(r"(?ms)^```.*?^```|`[^`\n]*`", lambda match: "\n" * match.group().count("\n"), text)


def _dead_links(tree):
    for file in tree.files:
        if file.suffix != ".md":
            continue
        folder = os.path.dirname(tree.root / file.path)
        for line, match in matching_lines(_without_code(file.text), _LINK):
            link = match.group(1)
            if not _ELSEWHERE.match(link) and not os.path.exists(os.path.join(folder, link.split("#")[0])):
                yield f"{file.path}:{line}: nothing is at '{link}'"


def _unreadable_scripts(tree):
    for file in tree.scripts():
        result = subprocess.run(["bash", "-n", tree.root / file.path], capture_output=True, text=True, check=False)
        if result.returncode != 0:
            yield f"{file.path}: {result.stderr.strip()}"
        if not os.access(tree.root / file.path, os.X_OK):
            yield f"{file.path}: a script that cannot be executed"


def check(tree):
    yield from _dead_links(tree)
    yield from _unreadable_scripts(tree)
