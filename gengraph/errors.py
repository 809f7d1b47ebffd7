"""The exceptions that a user can meet; the command line turns each into its exit code."""


class InputError(ValueError):
    """Wrong usage or bad input (exit code 2): the message says rule, value and next step."""


class NotEnoughResources(RuntimeError):
    """The machine or cluster is too small for what was asked (exit code 3)."""
