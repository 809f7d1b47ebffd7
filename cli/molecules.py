"""What `gengraph evaluate --protocol molecules` does."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gengraph.cli.output import plain_table, show_json
from gengraph.errors import InputError

if TYPE_CHECKING:
    from gengraph.chemistry.metrics import MoleculeSets
    from gengraph.data.download import Report
    from gengraph.graphs import GraphSet
    from gengraph.graphs.collection import Policy

_SCAFFOLDS = {"moses": "moses-scaffolds"}  # second test sets
_SHARES = ("valid", "unique", "unique@1000", "unique@10000", "novel", "valid_unique_novel", "filters")


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What is compared with what.

    Attributes:
        reference: a named set, of which the test part is compared with and the others are what was trained on; or a file.
        generated: a file or folder; lines of a file of SMILES that are no molecules count as invalid.
        train: what was trained on, instead.
        policy: how the real molecules are read.
        data_dir: where files of named sets are looked for first.
        max_molecules: of each real set, drawn with the seed; 0: all.
        seed: of what is drawn.
        keep: whether what takes long of real molecules is kept in the user's cache.
    """

    reference: str
    generated: str
    train: str | None
    policy: "Policy"
    data_dir: Path | None
    max_molecules: int
    seed: int
    keep: bool

    @property
    def folder(self) -> Path | None:
        """What is kept is kept here."""
        import platformdirs

        return Path(platformdirs.user_cache_dir("gengraph"), "molecules") if self.keep else None


def evaluate_molecules(asked: Asked, output: str) -> None:
    """Compare molecules and show what was found.

    Raises:
        InputError: a format other than table and json, or what reading refuses.
    """
    if output not in ("table", "json"):
        msg = f"the numbers of molecules have no columns in {output}; use table or json"
        raise InputError(msg)
    from gengraph.chemistry.metrics import evaluate_molecules as compare

    result = compare(_read(asked), seed=asked.seed, keep=asked.folder, stage=_stage).to_dict()
    if output == "json":
        show_json(result)
    else:
        _show(result)


@contextmanager
def _stage(name: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar that is told how many are done."""
    from gengraph.cli.progress import counting_bar

    with counting_bar(name, total, "molecules") as advance:
        done = 0
        advance(0)

        def tell(count: int) -> None:
            nonlocal done
            advance(count - done)
            done = count

        yield tell


def _read(asked: Asked) -> "MoleculeSets":
    from gengraph.chemistry.metrics import MoleculeSets
    from gengraph.cli.progress import download_bar
    from gengraph.data import DATASETS, load_collection, load_dataset, split_collection

    with download_bar() as report:
        generated = _generated(asked, report)
        train = None
        if asked.reference in DATASETS:
            collection = load_collection(asked.reference, data_dir=asked.data_dir, report=report, policy=asked.policy)
            split = split_collection(collection)
            real = {"test": split.test}
            train = [split.train, split.validation]
            if asked.reference in _SCAFFOLDS:
                name = _SCAFFOLDS[asked.reference]
                real["scaffolds"] = load_dataset(name, data_dir=asked.data_dir, report=report, policy=asked.policy)
        else:
            real = {"reference": load_dataset(asked.reference, data_dir=asked.data_dir, report=report, policy=asked.policy)}
        if asked.train is not None:
            train = [load_dataset(asked.train, data_dir=asked.data_dir, report=report, policy=asked.policy)]
    return MoleculeSets(
        generated=generated if isinstance(generated, list) else _texts("generated molecules", generated, None),
        reference={
            name: _molecules(f"molecules of {name}", _some(graphs, asked), asked.folder) for name, graphs in real.items()
        },
        train=None
        if train is None
        else [text for part in train for text in _molecules("training molecules", part, asked.folder)],
    )


def _some(graphs: "GraphSet", asked: Asked) -> "GraphSet":
    from gengraph.graphs.drawing import choose

    return choose(graphs, asked.max_molecules, seed=asked.seed) if asked.max_molecules else graphs


def _generated(asked: Asked, report: "Report") -> "GraphSet | list[str | None]":
    """Graphs, or of a file of SMILES the canonical ones, with None for lines that are none."""
    from gengraph.data import load_dataset
    from gengraph.formats.molecules import generated_smiles

    found = generated_smiles(Path(asked.generated), asked.policy)
    if found is not None:
        return found
    return load_dataset(asked.generated, data_dir=asked.data_dir, report=report, policy=asked.policy)


def _texts(what: str, graphs: "GraphSet", folder: Path | None) -> list[str | None]:
    from gengraph.chemistry.writing import smiles_once

    with _stage(f"writing {what} as SMILES", len(graphs)) as tell:
        return smiles_once(graphs, folder, progress=tell)


def _molecules(what: str, graphs: "GraphSet", folder: Path | None) -> list[str]:
    """Of real molecules all are valid."""
    texts = _texts(what, graphs, folder)
    valid = [text for text in texts if text is not None]
    if len(valid) < len(texts):
        msg = f"real molecules must be possible ones, {len(texts) - len(valid)} of {len(texts)} {what} are not; leave them out"
        raise InputError(msg)
    return valid


def _show(result: dict[str, Any]) -> None:
    from gengraph.cli.progress import results

    console, metrics = results(), result["metrics"]
    sizes = ", ".join(f"{count} of {name}" for name, count in result["num_reference"].items())
    trained = f", {result['num_train']} training molecules" if result["num_train"] is not None else ""
    console.print(f"{result['num_generated']} generated molecules against real ones ({sizes}{trained})")
    rows = []
    for name, value in metrics.items():
        share = name in _SHARES and value is not None
        key = result["keys"].get(name, "")
        rows.append([name, "nan" if value is None else f"{100 * value:.2f}%" if share else f"{value:.4g}", key])
    console.print(plain_table(["metric", "value", "two are the same by"], rows, left=("metric", "two are the same by")))
    for note in result["notes"]:
        console.print(note)
    console.print(", ".join(f"{name} {number}" for name, number in result["versions"].items()))
