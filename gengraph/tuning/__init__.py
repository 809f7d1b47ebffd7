"""Search for good settings: what is drawn from, and the folder of a sweep."""
