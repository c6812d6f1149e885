"""ringtaild at full rate with a new file every second: its memory and its descriptors stay as they are.

A few seconds; the long form takes ten minutes (RINGTAIL_FULL_TESTS, scripts/test.sh --full).
"""

import json
import os
import pathlib
import re
import subprocess
import time

from daemon import files
from test_daemon import DaemonCase

SECONDS = 600 if "RINGTAIL_FULL_TESTS" in os.environ else 5
SETTLED_AFTER = 60 if SECONDS > 60 else 2  # buffers have been touched by then, and the quota has been reached
GROWTH_BYTES = 4 << 20  # what allocators and page tables may still take


class Soak(DaemonCase):
    longest_seconds = SECONDS + 120

    def memory_and_descriptors(self, running):
        process = pathlib.Path(f"/proc/{running.process.pid}")
        resident = int(re.search(r"VmRSS:\s+(\d+) kB", (process / "status").read_text())[1]) * 1024
        return resident, len(list((process / "fd").iterdir()))

    def test_full_rate_and_a_file_a_second(self):
        running = self.start_daemon("rotate_seconds = 1.0\nquota_bytes = 200_000_000", "snaplen = 96")
        sender = self.start(self.helper("frame_sender"), "-i", "tx0", "--count", 1 << 40, "--seconds", SECONDS,
                            "--size", 100, stdout=subprocess.PIPE)
        samples = []
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            time.sleep(0.5)
            samples.append((time.monotonic(), *self.memory_and_descriptors(running)))
        sent = json.loads(sender.communicate(timeout=60)[0])
        status = running.status("cap")
        running.check_status_books(status)
        account = running.finish()["cap"]

        begin = samples[0][0]
        settled = [sample[1:] for sample in samples if sample[0] - begin >= SETTLED_AFTER]
        first, last = settled[0], [max(values) for values in zip(*settled)]
        print(f"{sent['accepted']} frames, {account['files']} files, resident {first[0]} to {last[0]} bytes, "
              f"{first[1]} to {last[1]} descriptors")
        self.assertLess(last[0] - first[0], GROWTH_BYTES, samples)
        self.assertLess(last[1] - first[1], 8, samples)
        self.assertGreaterEqual(account["files"], SECONDS // 2)  # each lasts a second and what a busy machine adds
        self.assertGreater(account["delivered"], 0)
        self.assertLessEqual(sum(path.stat().st_size for path in files(self.data)), 200_000_000 + 150_000_000)
