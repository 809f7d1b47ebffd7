"""Settings of all tests."""

import os

from hypothesis import settings

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch: many small operations are slower on several threads

settings.register_profile("gengraph", deadline=None, max_examples=60, derandomize=True)
settings.load_profile("gengraph")
