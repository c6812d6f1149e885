"""The source tree as the checks see it: files of ours, with their text and their code without comments."""

import pathlib
import re

CODE_SUFFIXES = {".hpp", ".cpp", ".h", ".c"}
SKIPPED_FOLDERS = {".git", "build", "__pycache__"}

# A comment, a raw string, a string, or a character (not the ' of 1'000).
_NOT_CODE = re.compile(
    r"""//[^\n]*|/\*.*?\*/|R"(?P<mark>\w*)\(.*?\)(?P=mark)"|"(?:\\.|[^"\\\n])*"|(?<!\w)'(?:\\.|[^'\\\n])+'""",
    re.DOTALL)


class File:
    def __init__(self, root, path):
        self.path = path.relative_to(root).as_posix()
        self.suffix = path.suffix
        self.text = path.read_text(encoding="utf-8", errors="replace")

    @property
    def is_code(self):
        return self.suffix in CODE_SUFFIXES

    @property
    def is_header(self):
        return self.suffix in {".hpp", ".h"}

    def is_under(self, *folders):
        return any(self.path.startswith(folder.rstrip("/") + "/") for folder in folders)

    def code(self):
        """The text with comments blanked and strings emptied; lines stay where they are."""
        def blank(match):
            quote = '""' if match.group().startswith(('"', "R")) else ""
            return quote + "\n" * match.group().count("\n")
        return _NOT_CODE.sub(blank, self.text)


class Tree:
    """Everything below `root` except what was built."""

    def __init__(self, root):
        self.root = pathlib.Path(root).resolve()
        self.files = [File(self.root, path) for path in sorted(self.root.rglob("*")) if self._is_ours(path)]

    def _is_ours(self, path):
        folders = path.relative_to(self.root).parts
        return path.is_file() and not path.is_symlink() and not SKIPPED_FOLDERS.intersection(folders)

    def code_files(self, *folders):
        return [file for file in self.files if file.is_code and (not folders or file.is_under(*folders))]

    def scripts(self):
        return [file for file in self.files if re.match(r"#!.*\b(ba)?sh\b", file.text)]


def matching_lines(text, pattern):
    """(line number, match) of every place in `text` where `pattern` is found."""
    for match in re.finditer(pattern, text):
        yield text.count("\n", 0, match.start()) + 1, match
