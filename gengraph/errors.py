"""The exceptions that a user can meet; the command line turns each into its exit code."""


class InputError(ValueError):
    """Wrong usage or bad input (exit code 2): the message says rule, value and next step."""


class NotEnoughResources(RuntimeError):
    """The machine or cluster is too small for what was asked (exit code 3)."""


class TrainingFailed(RuntimeError):
    """Training ended before its end (exit code 1): the message says why, and how to go on."""


class DatasetUnavailable(RuntimeError):
    """A data set could be neither found nor downloaded (exit code 1): the message names the places and the way out."""


class RanksDiverged(TrainingFailed):
    """The workers of a training no longer have the same weights."""


class TrainingDiverged(TrainingFailed):
    """The loss is no finite number any more, or far beyond that of guessing (exit code 1); the last good checkpoint stays."""
