"""Settings of all tests."""

import os
from pathlib import Path

from hypothesis import settings

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch: many small operations are slower on several threads
if not Path("/dev/nvidiactl").exists():
    os.environ.setdefault("TRITON_INTERPRET", "1")  # before triton: its programs run on the CPU, where a test asks for them

settings.register_profile("gengraph", deadline=None, max_examples=60, derandomize=True)
settings.load_profile("gengraph")
