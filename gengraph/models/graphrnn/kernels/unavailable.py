"""Why a back-end cannot compute."""


class NativeUnavailable(RuntimeError):
    """The native library cannot be used; the message says why."""


class TritonUnavailable(RuntimeError):
    """Triton cannot be used; the message says why."""
