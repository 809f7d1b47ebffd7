"""Folders on any filesystem that pyarrow knows: a path, file://, s3://, gs://, hdfs://.

A file is whole or not there: on this machine by a temporary file that is synced and renamed, on object stores because an
object appears when its upload is complete.

Reference:
    https://arrow.apache.org/docs/python/filesystems.html: what URIs may say, `s3://bucket/path?region=eu-west-1` say.
"""

import uuid
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import pyarrow as pa
from pyarrow import fs

from gengraph.errors import InputError
from gengraph.files import atomic_path

_CHECK = "check address, permissions and credentials, or choose another place"


@dataclass(frozen=True)
class Folder:
    """A folder, there or not.

    Attributes:
        place: path or URI.
        below: folders below it.
    """

    place: str
    below: str = ""

    def __str__(self) -> str:
        return f"{self.place}/{self.below}" if self.below else self.place

    def __truediv__(self, name: str) -> Self:
        return type(self)(self.place, f"{self.below}/{name}" if self.below else name)

    @cached_property
    def _where(self) -> tuple[Any, str]:
        """The filesystem, and the folder's path in it."""
        try:
            if "://" in self.place:
                system, path = fs.FileSystem.from_uri(self.place)
            else:
                system, path = fs.LocalFileSystem(), str(Path(self.place).absolute())
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            msg = f"{self.place} is no folder that pyarrow can open: {error}; use a path, file://, s3:// or gs://"
            raise InputError(msg) from error
        return system, f"{path.rstrip('/')}/{self.below}".rstrip("/")

    def __getstate__(self) -> dict[str, str]:
        return {"place": self.place, "below": self.below}

    @property
    def local(self) -> Path | None:
        """Its path, if it is on this machine."""
        system, path = self._where
        return Path(path) if isinstance(system, fs.LocalFileSystem) else None

    def absolute(self) -> Self:
        """The same folder for a process that was started elsewhere on this machine."""
        return self if "://" in self.place else type(self)(str(Path(self.place).absolute()), self.below)

    def check_writable(self) -> None:
        """Write into it and remove what was written, so that a long computation does not end with a place that is closed.

        Raises:
            InputError: it cannot be written.
        """
        trial = f".writable-{uuid.uuid4().hex}"
        try:
            self.write(trial, b"")
            self.remove(trial)
        except OSError as error:
            msg = f"{self} cannot be written ({error}); {_CHECK}"
            raise InputError(msg) from error

    def names(self) -> list[str]:
        """What is in it, sorted; nothing if it is not there.

        Raises:
            InputError: it is a file, or cannot be read.
        """
        try:
            system, path = self._where
            if system.get_file_info(path).type == fs.FileType.File:
                msg = f"{self} is a file; choose a folder"
                raise InputError(msg)
            return sorted(info.base_name for info in system.get_file_info(fs.FileSelector(path, allow_not_found=True)))
        except OSError as error:
            msg = f"{self} cannot be read ({error}); {_CHECK}"
            raise InputError(msg) from error

    def read(self, name: str) -> bytes:
        """The content of a file.

        Raises:
            FileNotFoundError: it is not there.
        """
        system, path = self._where
        with system.open_input_file(f"{path}/{name}") as file:
            content: bytes = file.read()
        return content

    def write(self, name: str, content: bytes | pa.Buffer) -> None:
        """Write a file, whole or not at all; folders on the way are made."""
        system, path = self._where
        if self.local:
            with atomic_path(self.local / name) as temporary:
                temporary.write_bytes(content)
            return
        with system.open_output_stream(f"{path}/{name}") as stream:
            stream.write(content)

    def remove(self, name: str) -> None:
        """Remove a file."""
        system, path = self._where
        system.delete_file(f"{path}/{name}")

    def remove_all(self) -> None:
        """Remove the folder and what is in it, if it is there."""
        system, path = self._where
        if self.names():
            system.delete_dir(path)
