"""A run as a ready-made model: what inference needs of it, how good that is, and the card that says so."""

import shlex
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from gengraph.graphs import GraphSet
from gengraph.runs.folders import find_checkpoint, frozen_part, read_run
from gengraph.sampling.attempts import Source, sample_graphs
from gengraph.training.card import write_card
from gengraph.training.checkpoint import load_checkpoint
from gengraph.training.choosing import PROTOCOL, floor_ratios, mean_ratio, num_samples
from gengraph.zoo.stored import SUFFIX, ReadyMade, read_ready_made, write_ready_made

_SEED = 0  # of the samples that are judged
_ABOUT = ("dataset", "reading", "split", "split_seed", "num_graphs", "content_hash", "versions")


def pack_run(run: Path, target: Path, *, licence: str, command: str = "", checkpoint: str | None = None) -> ReadyMade:
    """Write what a run has trained as a ready-made model, and measure it as it is stored.

    Args:
        run: folder of the run.
        target: the file, NAME.safetensors.
        licence: of the data, for the record.
        command: that made the run, for the record.
        checkpoint: last or best, as `gengraph.runs.folders.find_checkpoint` has it.

    Raises:
        InputError: no such run or checkpoint, data that was changed, or weights that half precision cannot hold.
    """
    about, trained = read_run(run), load_checkpoint(find_checkpoint(run, checkpoint))
    parts = {name: frozen_part(run, name, about) for name in ("train", "validation")}
    known = (
        {name: about[name] for name in _ABOUT}
        | {
            "command": command,
            "seed": trained.config.training.seed,
            "steps": trained.step,
            "cpu_seconds": round(trained.cpu_seconds, 1),
            "licence": licence,
        }
        | {key: about[key] for key in ("begun_with", "origin") if key in about}
    )
    with TemporaryDirectory() as temporary:  # what is not measured yet never lies where it belongs
        write_ready_made(Path(temporary, target.name), trained, known, card="")
        stored = read_ready_made(Path(temporary, target.name)).checkpoint.build_model()
    known["quality"] = _quality(stored, trained.build_model(), parts["train"], parts["validation"])
    card = write_card(trained, about | {"run": run.name}, rows=_rows(known), usage=_usage(target))
    write_ready_made(target, trained, known, card)
    return read_ready_made(target)


def _quality(stored: Source, trained: Source, train: GraphSet, validation: GraphSet) -> dict[str, Any]:
    """Ratios to the floor on the validation graphs, and how many samples are those of the weights in full precision."""
    indices = np.arange(num_samples(train))
    drawn, before = (sample_graphs(model, indices, seed=_SEED).graphs for model in (stored, trained))
    ratios = floor_ratios(validation, drawn, train=train)
    same = sum(one.content_hash() == other.content_hash() for one, other in zip(drawn, before, strict=True))
    return {
        "protocol": PROTOCOL,
        "num_samples": len(indices),
        "ratios": {name: round(ratio, 3) for name, ratio in ratios.items()},
        "ratio": round(mean_ratio(ratios), 3),
        "num_same": same,
    }


def _rows(about: dict[str, Any]) -> list[tuple[str, str]]:
    """What the card says of a ready-made model beside what it says of any checkpoint."""
    quality = about["quality"]
    each = ", ".join(f"{name} {ratio:.3g}" for name, ratio in quality["ratios"].items())
    return [
        (
            "quality",
            f"{quality['ratio']:.3g} times the floor on the validation graphs (protocol {quality['protocol']}: {each})",
        ),
        (
            "half precision",
            f"{quality['num_same']} of {quality['num_samples']} samples are those of the weights before rounding",
        ),
        ("made by", f"`{about['command']}`" if about["command"] else "not recorded"),
        ("licence of the data", about["licence"] or "not known"),
        *((f"{part} graphs, content hash", value) for part, value in about["content_hash"].items()),
    ]


def _usage(target: Path) -> str:
    name = target.name.removesuffix(SUFFIX)
    asked = shlex.quote(name)
    return (
        "To sample from it, or to train it on:\n\n"
        f"    gengraph sample --pretrained {asked} -n 100 --out samples/{asked}\n"
        f"    gengraph train --from-pretrained {asked} --dataset my_graphs.jsonl\n\n"
        "or, in Python,\n\n"
        "    import gengraph\n\n"
        f'    graphs = gengraph.pretrained("{name}").sample(100, seed=0)\n\n'
        "Where it is not in the catalogue, its file or its address stands in the place of the name."
    )
