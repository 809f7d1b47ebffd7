"""The one room of Ray: it places on workers what the rest of the library does in one process."""
