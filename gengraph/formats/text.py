"""The text of a file, whatever wrote it: gzipped, with a byte-order mark, in UTF-16, or in the encoding that XML declares."""

import codecs
import gzip
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

from gengraph.errors import InputError

MAX_BYTES = 2**32  # of one unpacked file
_MARKS = (  # that of UTF-32 begins like that of UTF-16
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_GZIP = b"\x1f\x8b"
_DECLARED = re.compile(rb"""\s*<\?xml[^>]*\sencoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")


def read_text(path: Path) -> str:
    """The content of a text file with a line feed at the end of each line; `path.gz` is unpacked.

    Raises:
        InputError: it is neither UTF-8 nor begins with the mark of UTF-16 or UTF-32, or it is no whole gzip file.
    """
    return decode(read_bytes(path), str(path))


def read_xml(path: Path) -> str:
    """The text of an XML file, by its mark, else by the encoding that it declares, else UTF-8.

    Raises:
        InputError: the bytes are not in that encoding, or there is no such encoding.
    """
    content = read_bytes(path)
    declared = _DECLARED.match(content[:200])
    if content.startswith((b"<\0", b"\0<")):
        encoding = "utf-16-le" if content.startswith(b"<") else "utf-16-be"
    else:
        encoding = declared[1].decode("ascii") if declared else "utf-8"
    return decode(content, str(path), encoding)


def suffix_of(path: Path) -> str:
    """The suffix in small letters; of a gzipped file that before .gz."""
    stem, dot, suffix = path.name.lower().removesuffix(".gz").rpartition(".")
    return dot + suffix if stem and suffix else ""


def head_of(path: Path, size: int = 4096) -> bytes:
    """The first bytes of a file, unpacked if it is gzipped."""
    with path.open("rb") as file:
        head = file.read(size)
    if not head.startswith(_GZIP):
        return head
    try:
        with gzip.open(path) as unpacked:
            return unpacked.read(size)
    except (gzip.BadGzipFile, EOFError, zlib.error):
        return head


def read_bytes(path: Path) -> bytes:
    """The content of a file, unpacked if it is gzipped (.gz, .graphmlz).

    Raises:
        InputError: it is no whole gzip file, or unpacks to absurd sizes.
    """
    if path.name[-3:].lower() != ".gz":
        content = path.read_bytes()
        if not content.startswith(_GZIP):
            return content
    try:
        with gzip.open(path) as file:
            content = file.read(MAX_BYTES + 1)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        msg = f"{path} is not a whole gzip file: {error}; get it from its source again"
        raise InputError(msg) from error
    if len(content) > MAX_BYTES:
        msg = f"{path} unpacks to more than {MAX_BYTES} bytes; unpack it by hand, and pass what is in it"
        raise InputError(msg)
    return content


def decode(content: bytes, where: str, encoding: str = "utf-8") -> str:
    """The text of some bytes: by their mark, else in the given encoding.

    Raises:
        InputError: they are no text in it; the message names the line.
    """
    encoding = next((name for mark, name in _MARKS if content.startswith(mark)), encoding)
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        msg = f"{where} is not a text file in {encoding.upper()} (line {line}: {error.reason}); save it as UTF-8"
        raise InputError(msg) from error
    except LookupError as error:
        msg = f"{where} declares the encoding {encoding!r}, which is not known; save it as UTF-8"
        raise InputError(msg) from error
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        msg = f"{where} is not a text file (line {line} holds a zero byte); if it is UTF-16 without a mark, save it as UTF-8"
        raise InputError(msg)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def numbered_lines(text: str) -> Iterator[tuple[int, str]]:
    """The lines that are not blank, counted from 1; only a line feed ends a line."""
    return ((number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip())
