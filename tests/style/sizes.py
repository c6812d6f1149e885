"""Files one can read in one sitting, functions that fit a screen, and no source that is not built."""

import posixpath
import re

LONGEST_FILE = 400
LONGEST_FUNCTION = 80

# path: why it is longer
LONGER_FILES = {}
# "path:first line of the function without its arguments": why it is longer
LONGER_FUNCTIONS = {}

_TYPE_OR_NAMESPACE = re.compile(r"\b(namespace|class|struct|union|enum|extern)\b")


def functions(code):
    """(line of the head, length in lines, head) of every outermost function body in C++ `code` without comments."""
    scopes = []  # of each open brace: the offset of a function's head, or None
    head_start = 0
    parentheses = 0
    for match in re.finditer(r"[{}();]", code):
        offset, symbol = match.start(), match.group()
        if symbol in "()":
            parentheses += 1 if symbol == "(" else -1
        elif parentheses > 0:
            continue  # a lambda or an initialiser inside of an argument list
        elif symbol == "{":
            head = code[head_start:offset]
            is_function = "(" in head and not re.search(r"=\s*$", head) and not (
                _TYPE_OR_NAMESPACE.search(head) and not head.rstrip().endswith((")", "const", "noexcept", "override")))
            inside_function = any(start is not None for start in scopes)
            scopes.append(head_start if is_function and not inside_function else None)
            head_start = offset + 1
        elif symbol == "}":
            start = scopes.pop() if scopes else None
            if start is not None:
                head = code[start:].lstrip()
                line = code.count("\n", 0, len(code) - len(head)) + 1
                yield line, code.count("\n", 0, offset) + 2 - line, re.split(r"[({\n]", head)[0].strip()
            head_start = offset + 1
        else:
            head_start = offset + 1


def _too_long(file):
    lines = file.text.count("\n")
    if lines > LONGEST_FILE and file.path not in LONGER_FILES:
        yield f"{file.path}: {lines} lines; past {LONGEST_FILE} it needs a reason in tests/style/sizes.py"
    if not file.is_code:
        return
    code = re.sub(r"(?m)^[ \t]*#.*$", "", file.code())  # the braces of macros need not match
    for line, length, name in functions(code):
        if length > LONGEST_FUNCTION and f"{file.path}:{name}" not in LONGER_FUNCTIONS:
            yield f"{file.path}:{line}: '{name}' has {length} lines; past {LONGEST_FUNCTION} it wants dividing"


def _not_built(tree):
    lists = {posixpath.dirname(file.path): file.text for file in tree.files if file.path.endswith("CMakeLists.txt")}
    for file in tree.code_files():
        folder, name = posixpath.split(file.path)
        if file.is_header:
            continue
        above = [text for where, text in lists.items() if (folder + "/").startswith(where + "/") or where == ""]
        if not any(re.search(rf"(?<![\w.]){re.escape(name)}\b", text) for text in above):
            yield f"{file.path}: no CMakeLists.txt builds it"


def check(tree):
    for file in tree.files:
        if file.is_code or file.suffix in {".py", ".sh", ".txt", ".cmake"}:
            yield from _too_long(file)
    yield from _not_built(tree)
