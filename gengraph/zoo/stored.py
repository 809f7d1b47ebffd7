"""The file of a ready-made model: all that sampling and training on need, in one safetensors file and no pickle.

The weights are those that are sampled from, in half precision; of the optimiser nothing is kept. Config, facts, what is known
of the training and the card stand in the header as texts.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gengraph.errors import InputError
from gengraph.files import atomic_path, hash_file, write_tensors
from gengraph.graphs import GraphSet
from gengraph.sampling.job import CheckpointOrigin
from gengraph.training.checkpoint import Checkpoint
from gengraph.training.config import Config
from gengraph.versions import OWN

FORMAT = 1
SUFFIX = ".safetensors"


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadyMade:
    """A ready-made model.

    Attributes:
        name: its file's, without the suffix.
        checkpoint: config, facts and weights; without an optimiser.
        about: data set and split with their hashes, command, seed, versions, quality, licence; JSON-ready.
        card: for people, Markdown.
        sha256: of its file.
    """

    name: str
    checkpoint: Checkpoint
    about: dict[str, Any]
    card: str
    sha256: str

    def record(self) -> dict[str, Any]:
        """What samples and runs that begin with it say of it."""
        return {"pretrained": self.name, "sha256": self.sha256}

    def origin(self, device: str = "cpu") -> CheckpointOrigin:
        """Where samples come from."""
        return CheckpointOrigin(self.checkpoint, self.record() | {"reading": self.about["reading"]}, device)

    def training_graphs(self, data_dir: str | Path | None = None) -> GraphSet:
        """The graphs that it was trained on, for samples that are to be new against them.

        Raises:
            InputError: its data set is not there, or is another one by now.
            DatasetUnavailable: the data set cannot be downloaded.
        """
        from gengraph.data import load_collection, split_collection
        from gengraph.graphs.collection import Policy

        about = self.about
        read = (about["reading"] or {}).get("policy", {})
        policy: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in read.items()}
        collection = load_collection(about["dataset"], data_dir=data_dir, policy=Policy(**policy))
        split = split_collection(collection, seed=about["split_seed"] or 0)
        train = self.checkpoint.config.own_family.select(split.train, self.checkpoint.config.model)
        if train.content_hash() != about["content_hash"]["train"]:
            msg = f"{about['dataset']} does not give the graphs that {self.name} was trained on; name a file of graphs instead"
            raise InputError(msg)
        return train


def write_ready_made(path: Path, checkpoint: Checkpoint, about: dict[str, Any], card: str) -> None:
    """Write the file of a model, whole or not at all.

    Raises:
        InputError: a weight is too large for half precision.
    """
    header = {
        "format": str(FORMAT),
        "gengraph": OWN,
        "config": json.dumps(checkpoint.config.to_dict()),
        "facts": json.dumps(checkpoint.facts),
        "step": str(checkpoint.step),
        "about": json.dumps(about),
        "card": card,
    }
    with atomic_path(path) as temporary:
        write_tensors(temporary, halved(checkpoint), header)
        temporary.write_bytes(_ordered(temporary.read_bytes()))


def _ordered(file: bytes) -> bytes:
    """The same safetensors file with its texts in order, so that one model has one hash; the library shuffles them (0.8.0)."""
    start = 8 + int.from_bytes(file[:8], "little")
    header = json.loads(file[8:start])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # tensors begin at a multiple of eight
    return len(text).to_bytes(8, "little") + text + file[start:]


def halved(checkpoint: Checkpoint) -> dict[str, Any]:
    """The weights that are sampled from, in half precision.

    Raises:
        InputError: one is too large for it.
    """
    import torch

    halves = {name: value.half() if value.dtype == torch.float32 else value for name, value in checkpoint.weights.items()}
    for name, value in halves.items():
        if not value.isfinite().all():
            msg = f"weights must lie within 65504 of 0 to be kept in half precision, {name} does not; train with weight decay"
            raise InputError(msg)
    return halves


def read_ready_made(path: Path) -> ReadyMade:
    """Read the file of a model.

    Raises:
        InputError: it is damaged, something else, or of a newer format.
    """
    import torch
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            _check_format(path, header)
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no dict
        checkpoint = Checkpoint(
            config=Config.from_dict(json.loads(header["config"])),
            facts=json.loads(header["facts"]),
            weights={name: value.float() if value.dtype == torch.float16 else value for name, value in weights.items()},
            optimizer={},
            step=int(header["step"]),
        )
        return ReadyMade(
            name=path.stem,
            checkpoint=checkpoint,
            about=json.loads(header["about"]),
            card=header["card"],
            sha256=hash_file(path),
        )
    except (OSError, SafetensorError, ValueError, KeyError) as error:
        if isinstance(error, InputError):
            raise
        msg = f"{path} is no whole ready-made model ({type(error).__name__}: {error}); get it again"
        raise InputError(msg) from error


def _check_format(path: Path, header: dict[str, str]) -> None:
    found = header.get("format", "")
    if not found.isdecimal():
        msg = f"{path} is no ready-made model: its header names no format; pack a run to make one"
        raise InputError(msg)
    if int(found) != FORMAT:
        msg = (
            f"{path} has format {found} (gengraph {header.get('gengraph')}), this version ({OWN}) reads format {FORMAT}; "
            "install that version of gengraph"
        )
        raise InputError(msg)
