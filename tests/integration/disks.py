"""File systems of a case's own, which can be stopped and broken."""

from testbed import run


class OwnDisk:
    """For a Testbed: a file system on a file, at `self.mount`."""

    def make_disk(self, mebibytes=256):
        for program in ("mkfs.ext4", "fsfreeze", "losetup"):
            self.need_program(program)
        image = self.directory / "disk"
        with image.open("wb") as file:
            file.truncate(mebibytes << 20)
        run("mkfs.ext4", "-q", image)
        self.mount = self.directory / "mount"
        self.mount.mkdir()
        mounted = run("mount", "-o", "loop,errors=remount-ro", image, self.mount, status=None)
        if mounted.returncode != 0:
            self.skipTest(f"no loop devices here: {mounted.stderr.strip()}")
        self.addCleanup(run, "umount", "-l", self.mount)

    def freeze(self):
        run("fsfreeze", "--freeze", self.mount)
        self.addCleanup(run, "fsfreeze", "--unfreeze", self.mount, status=None)

    def thaw(self):
        run("fsfreeze", "--unfreeze", self.mount)
