"""Exceptions become one clear message on standard error, in the words of the command line, and an exit code."""

import contextlib
import errno
import functools
import logging
import os
import re
import select
import signal
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, ParamSpec

import typer

from gengraph.errors import DatasetUnavailable, InputError, NotEnoughResources, TrainingFailed

if TYPE_CHECKING:
    from sys import UnraisableHookArgs
    from types import FrameType

P = ParamSpec("P")
FAILED, BAD_INPUT, TOO_SMALL, INTERRUPTED, UNREAD = 1, 2, 3, 130, 141  # the last two as a shell counts SIGINT and SIGPIPE
_STORAGE = {
    errno.ENOSPC: "the disk is full ({}); nothing half-written is left. Free some space.",
    errno.EDQUOT: "the disk quota is used up ({}); nothing half-written is left. Free some space.",
    errno.EACCES: "{} cannot be written: permission denied; choose another place.",
    errno.EPERM: "{} cannot be written: not permitted; choose another place.",
    errno.EROFS: "{} cannot be written: the file system is read-only; choose another place.",
}
_NO_MEMORY = re.compile("can't allocate memory|not enough memory|out of memory", re.IGNORECASE)  # torch, on a CPU and a GPU
_LESS_MEMORY = "Make the model, training.batch_size or the graphs smaller, or take fewer --workers."
_OPTIONS = "search|scheduler|metric|temperature|components|stop|constraint|on_[a-z_]+"
_WORDS: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...] = (
    (r"\b(?:set|use) ((?:model|training)\.[\w.]*\w) (?:=|to) ([\w.+-]*\w)", r"use --set \1=\2"),
    (r"\bor ((?:model|training)\.[\w.]*\w) = ([\w.+-]*\w)", r"or --set \1=\2"),
    (
        r"\bset (on_[a-z_]+ = \w+(?:, on_[a-z_]+ = \w+)+)",
        lambda found: (
            "use "
            + re.sub(r",? ?(on_[a-z_]+) = (\w+)", lambda one: f" --{one[1].replace('_', '-')} {one[2]}", found[1]).strip()
        ),
    ),
    (r"\bset columns = ('[^']*'|\S*[^\s;.,])", r"use --columns \1"),
    (rf"\b(?:set|use) ({_OPTIONS}) = (\w+)", lambda found: f"use --{found[1].replace('_', '-')} {found[2]}"),
    (r"^columns must name", "--columns must name"),
    (r"\bset node_label = (\w+), edge_label = (\w+)", r"use --node-label \1 --edge-label \2"),
    (r"\bset (node|edge)_label to\b", r"use --\1-label with"),
    (r"\bset node_label or edge_label\b", "use --node-label or --edge-label"),
    (r"\b(?:or )?name a node_label or edge_label\b", "or name a --node-label or --edge-label"),
    (r"\bset bins = (\S+=\d+)", r"use --bin \1"),
    (r"^bins must be NAME=K\b", "--bin must be NAME=K"),
    (r"^bins are of node_label or edge_label\b", "--bin is for the --node-label or the --edge-label"),
    (r"\blabel both, or leave labels behind with graphs\.bare\(\)", "label both, or leave labels aside with --bare"),
    (r"\bsymmetrise the graphs\b", "use --on-directed symmetrize"),
    (r"\bwith model\.conditions = (\[[^\]]*\])", r"with --set 'model.conditions=\1'"),
    (r"\bwith graphs\.bare\(\)", "with --on-attributes drop"),
    (r"\bset smiles to the name\b", "use --smiles with the name"),
    (r"\b(?:set )?file_format = (\S+)", r"--from \1"),
    (r"\bset file_format\b", "use --from FORMAT"),
    (r"^file_format must be", "--from must be"),
    (r"\bnodes = (\d+) says", r"--nodes \1 says"),
    (r"\b(on_[a-z_]+) must be one of", lambda found: f"--{found[1].replace('_', '-')} must be one of"),
    (r"\bas data_dir\b", "with --data-dir"),
    (r"\brun (\S*?)([^\s/]+) exists; resume it", r"run \1\2 exists; go on with `gengraph resume \2`"),
    (r"\bsweep (\S*?)([^\s/]+) exists; resume it", r"sweep \1\2 exists; go on with `gengraph sweeps resume \2`"),
    (r"\brun (\S*?)([^\s/]+) has no checkpoint yet; .*", r"run \1\2 has no checkpoint yet; train it with `gengraph resume \2`"),
    (r"; resume the run\b", "; go on with `gengraph resume RUN`"),
    (r"; resume with fewer workers\b", "; go on with `gengraph resume RUN` and fewer --workers"),
    (r"\(min_workers\)", "(--min-workers)"),
    (r"\buse (\d+) workers\b", r"use --workers \1"),
    (
        r"\bwith ([\d.]+) CPUs each, or join a larger cluster",
        r"with --cpus-per-worker \1, or join a larger cluster with --address",
    ),
    (r"\brun at least 1 trial on Ray\b", "give --workers 1 or more"),
)


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
            if isinstance(error, BrokenPipeError) and _nobody_reads():
                raise typer.Exit(UNREAD) from None
            if Debug.on:
                raise
            message, code = explain(error)
            typer.secho(message, err=True, fg="red")
            raise typer.Exit(code) from None

    return run


def interrupt_again(dropped: "UnraisableHookArgs") -> None:
    """An interrupt that strikes where a compiler calls back into Python is dropped there; it strikes once more soon after."""
    if dropped.exc_type is KeyboardInterrupt:
        threading.Timer(0.05, signal.pthread_kill, (threading.get_ident(), signal.SIGINT)).start()
    else:
        sys.__unraisablehook__(dropped)


def interrupt_on_sigterm() -> None:
    """SIGTERM, by which `kill`, `timeout` and a cluster's scheduler end a program, is answered as Ctrl-C is."""

    def handle(_signal: int, frame: "FrameType | None") -> None:
        answer = signal.getsignal(signal.SIGINT)
        if not callable(answer):  # in the background of a script Ctrl-C is ignored
            raise KeyboardInterrupt
        answer(signal.SIGINT, frame)

    signal.signal(signal.SIGTERM, handle)


def _nobody_reads() -> bool:
    """Whether the reader of standard output or standard error has gone (`| head`); what is still written there is dropped."""
    gone = False
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, AttributeError):  # no file, or a system without poll
            poll = select.poll()
            poll.register(stream.fileno(), 0)
            if any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0)):
                gone = True
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    return gone


def in_options(message: str, *, settable: bool = True) -> str:
    """What the library advises, as options and commands: "set model.stop = decision" is "use --set model.stop=decision".

    Args:
        message: of the library.
        settable: whether the command has --set; where it has not, the command that has is named.
    """
    for pattern, words in _WORDS:
        message = re.sub(pattern, words, message)
    return message if settable else message.replace("use --set ", "use `gengraph train` with --set ")


def explain(error: BaseException) -> tuple[str, int]:
    """The message and the exit code of an exception."""
    codes = ((InputError, BAD_INPUT), (NotEnoughResources, TOO_SMALL), (DatasetUnavailable, FAILED), (TrainingFailed, FAILED))
    for kind, code in codes:
        if isinstance(error, kind):
            return f"Error: {in_options(str(error))}", code
    if isinstance(error, KeyboardInterrupt):
        return f"Interrupted. {error}".rstrip(), INTERRUPTED
    if isinstance(error.__cause__, KeyboardInterrupt):  # within compiled code, which makes a SystemError of it
        return "Interrupted.", INTERRUPTED
    if isinstance(error, MemoryError) or _NO_MEMORY.search(str(error)):
        return f"Error: there is not enough memory ({error}). {_LESS_MEMORY}", FAILED
    if isinstance(error, OSError) and (error.errno in _STORAGE or error.filename):
        advice = _STORAGE.get(error.errno or 0, f"{{}}: {error.strerror}; check the path and its permissions.")
        return f"Error: {advice.format(error.filename or error)}", FAILED
    return f"Error: {type(error).__name__}: {error}\nRun the same command with --debug to see where.", FAILED
