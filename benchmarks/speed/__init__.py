"""Our speed against plain implementations, each a command that prints what it measured on the spot."""
