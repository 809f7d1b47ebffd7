"""Exceptions become one clear message on standard error and an exit code."""

import errno
import functools
import logging
from collections.abc import Callable
from typing import ParamSpec

import typer

from gengraph.errors import DatasetUnavailable, InputError, NotEnoughResources, TrainingFailed

P = ParamSpec("P")
FAILED, BAD_INPUT, TOO_SMALL = 1, 2, 3
_STORAGE = {
    errno.ENOSPC: "the disk is full ({}); nothing half-written is left. Free some space.",
    errno.EDQUOT: "the disk quota is used up ({}); nothing half-written is left. Free some space.",
    errno.EACCES: "{} cannot be written: permission denied; choose another place.",
    errno.EPERM: "{} cannot be written: not permitted; choose another place.",
    errno.EROFS: "{} cannot be written: the file system is read-only; choose another place.",
}


class Debug:
    """Whether --debug was given: tracebacks and library logs are shown."""

    on = False


def set_debug(on: bool) -> None:
    """Show tracebacks and what libraries log, or not."""
    Debug.on = on
    logging.basicConfig(level=logging.INFO if on else logging.WARNING, format="%(levelname)s %(name)s: %(message)s")


def guarded(command: Callable[P, None]) -> Callable[P, None]:
    """The command, with every exception turned into a message and an exit code."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except typer.Exit:
            raise
        except (Exception, KeyboardInterrupt) as error:
            if Debug.on:
                raise
            message, code = explain(error)
            typer.secho(message, err=True, fg="red")
            raise typer.Exit(code) from None

    return run


def explain(error: BaseException) -> tuple[str, int]:
    """The message and the exit code of an exception."""
    codes = ((InputError, BAD_INPUT), (NotEnoughResources, TOO_SMALL), (DatasetUnavailable, FAILED), (TrainingFailed, FAILED))
    for kind, code in codes:
        if isinstance(error, kind):
            return f"Error: {error}", code
    if isinstance(error, KeyboardInterrupt):
        return f"Interrupted. {error}".rstrip(), FAILED
    if isinstance(error, OSError) and error.errno in _STORAGE:
        return f"Error: {_STORAGE[error.errno].format(error.filename or error)}", FAILED
    if isinstance(error, OSError) and error.filename:
        return f"Error: {error.filename}: {error.strerror}; check the path and its permissions.", FAILED
    return f"Error: {type(error).__name__}: {error}\nRun the same command with --debug to see where.", FAILED
