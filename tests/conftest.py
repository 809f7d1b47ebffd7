"""Settings of all tests."""

from hypothesis import settings

settings.register_profile("gengraph", deadline=None, max_examples=60, derandomize=True)
settings.load_profile("gengraph")
