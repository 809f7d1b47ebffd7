"""Sampling: attempts until the conditions are met, and large samples as folders of shards."""
