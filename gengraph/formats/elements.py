"""XML, element by element as a file is read; document type declarations are refused, namespaces passed over."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from xml.parsers import expat

from gengraph.errors import InputError

_NO_LETTERS = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
Values = dict[str, str]
"""The attributes of an element."""


class Elements:
    """What calls functions by the names of elements, where they begin and where they end."""

    def __init__(
        self,
        begin: Mapping[str, Callable[[Values], None]],
        end: Mapping[str, Callable[[str], None]],
        skipped: frozenset[str] = frozenset(),
    ) -> None:
        """Set up.

        Args:
            begin: by the local name of an element, called with its attributes.
            end: by the same, called with its text up to its first child if `begin` has asked for that, else with nothing.
            skipped: prefixes and local names of elements that are passed over with all that is in them.
        """
        self.path: list[str] = []  # of the element that is being read, from the root
        self._begin, self._end, self._skipped = begin, end, skipped
        self._text: list[str] = []
        self._is_text = False
        self._skipping = 0  # elements that are open and passed over
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._stop
        self._parser.StartDoctypeDeclHandler = _refuse_doctype

    def take_text(self) -> None:
        """The text of the element that has just begun is wanted; its children are passed over."""
        self._is_text = True
        self._parser.CharacterDataHandler = self._text.append

    def read(self, path: Path, text: str, what: str) -> None:
        """Read the text of a file.

        Raises:
            InputError: it is no XML, and so no `what`.
        """
        try:
            self._parser.Parse(text, True)
        except expat.ExpatError as error:
            msg = f"{path} is not {what}: {error}"
            raise InputError(msg) from error
        except _Doctype as error:
            msg = f"{path} is not {what}: document type declarations are refused; take the line <!DOCTYPE ...> out"
            raise InputError(msg) from error

    def _start(self, tag: str, values: Values) -> None:
        if self._skipping or self._is_text:
            self._skipping += 1
            self._parser.CharacterDataHandler = None
            return
        prefix, _, tag = tag.rpartition(":")
        if prefix in self._skipped or tag in self._skipped:
            self._skipping = 1
            return
        self.path.append(tag)
        if tag in self._begin:
            self._begin[tag](values)

    def _stop(self, _tag: str) -> None:
        if self._skipping:
            self._skipping -= 1
            return
        tag = self.path.pop()
        if self._is_text:
            self._is_text = False
            self._parser.CharacterDataHandler = None
        if tag in self._end:
            self._end[tag]("".join(self._text))
        self._text.clear()


def spelled_in_xml(text: str) -> bool:
    """Whether XML has the letters of a text, and it is not empty."""
    return bool(text) and not _NO_LETTERS.search(text)


class _Doctype(Exception):
    """A document type declaration; it never leaves this module."""


def _refuse_doctype(*_declaration: object) -> None:
    raise _Doctype
