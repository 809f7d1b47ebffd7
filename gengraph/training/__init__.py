"""Training: the loop, its configuration, and what it leaves."""
