"""Files of molecules: SMILES, one a line or in a column of a table, and SDF; they need the package rdkit.

A molecule becomes a graph of its heavy atoms with the labels `element` and `bond` (`gengraph.chemistry`).
"""

import csv
import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gengraph.errors import InputError
from gengraph.files import write_text
from gengraph.formats.columns import known_columns
from gengraph.formats.text import head_of, numbered_lines, read_text, suffix_of
from gengraph.graphs import GraphSet
from gengraph.graphs.classes import CLASS, Classes
from gengraph.graphs.collection import Policy, RawGraphs

if TYPE_CHECKING:
    from gengraph.chemistry.reading import Molecules, Notation
    from gengraph.chemistry.writing import Written

Texts = tuple[list[str], Callable[[int], str]]
"""A text a molecule, and what says where in the file each stands."""
_COLUMNS = ("smiles", "canonicalsmiles", "isomericsmiles", "mol", "molecule", "structure")  # without case and punctuation
_DELIMITERS = ",;\t|"
_log = logging.getLogger(__name__)


def read_smi(path: Path, policy: Policy) -> RawGraphs:
    """A line a molecule: its SMILES, then, if wanted, white space and whatever else; a first line may name the columns."""
    return _raw(path, smiles_lines(path), policy)


def read_smiles_table(path: Path, policy: Policy) -> RawGraphs:
    """A table with a column of SMILES, which `policy.smiles` names, and, if wanted, `class`; the rest is left in the file."""
    rows = _rows(path, policy.smiles)
    return _raw(path, rows.texts, policy, classes=rows.classes)


def read_sdf(path: Path, policy: Policy) -> RawGraphs:
    """Molfiles (V2000 or V3000), each ended by $$$$; their data items are left in the file."""
    return _raw(path, sdf_records(path), policy, notation="molfile")


def smiles_lines(path: Path) -> Texts:
    """The SMILES of a .smi file."""
    lines = [(number, line.split(None, 1)[0]) for number, line in numbered_lines(read_text(path))]
    if lines and _plain(lines[0][1]) in _COLUMNS[:3]:
        lines = lines[1:]
    numbers = [number for number, _ in lines]
    return [text for _, text in lines], lambda place: f"line {numbers[place]}"


def smiles_cells(path: Path, column: str = "") -> Texts:
    """The SMILES of a table.

    Raises:
        InputError: no column is called so, or is known as one of SMILES.
    """
    return _rows(path, column).texts


@dataclass(frozen=True, slots=True)
class _Molecules:
    """The rows of a table.

    Attributes:
        texts: their SMILES.
        classes: what stands in the column class; empty without one.
    """

    texts: Texts
    classes: list[str]


def _rows(path: Path, column: str) -> _Molecules:
    text = read_text(path)
    reader = csv.reader(text.split("\n"), delimiter=_delimiter(text.partition("\n")[0]), skipinitialspace=True)
    texts, numbers, classes = [], [], []
    try:
        names = next(reader, [])
        place = _column_of(names, column)
        if place is None:
            wanted = repr(column) if column else "smiles, canonical_smiles or mol"
            msg = f"{path} needs a column {wanted}, got {', '.join(names) or 'nothing'}; set smiles to the name of the column"
            raise InputError(msg)
        of_class = names.index(CLASS) if CLASS in names and names.index(CLASS) != place else None
        for row in reader:
            if any(cell.strip() for cell in row):
                texts.append(row[place].strip() if place < len(row) else "")
                numbers.append(reader.line_num)
                if of_class is not None:
                    classes.append(row[of_class].strip() if of_class < len(row) else "")
    except csv.Error as error:
        msg = f"{path}, line {reader.line_num}: {error}; close every quotation mark in its line"
        raise InputError(msg) from error
    return _Molecules((texts, lambda place: f"line {numbers[place]}"), classes)


def sdf_records(path: Path) -> Texts:
    """The molfiles of an SDF."""
    records, starts, number = [], [], 1
    for record in re.split(r"(?<=^\$\$\$\$)[^\n]*\n", read_text(path), flags=re.MULTILINE):
        if record.strip():
            records.append(record)
            starts.append(number)
        number += record.count("\n") + 1
    return records, lambda place: f"record {place + 1} (line {starts[place]})"


def holds_smiles(path: Path) -> bool:
    """Whether the first line of a table names a column of SMILES, and not the two ends of an edge."""
    first = head_of(path).decode("utf-8-sig", "replace").partition("\n")[0]
    cells = first.split(_delimiter(first))
    names = [] if known_columns(cells) else [_plain(cell) for cell in cells]
    return any("smiles" in name for name in names) or "mol" in names


def molecules_of(texts: Sequence[str], policy: Policy, *, notation: "Notation" = "smiles") -> "Molecules":
    """The molecules of texts as a policy has them."""
    from gengraph.chemistry.molecules import MoleculeOptions
    from gengraph.chemistry.reading import graphs_of_texts

    options = MoleculeOptions(
        bonds="aromatic" if policy.bonds == "aromatic" else "kekule",
        max_atoms=policy.max_atoms,
        parts="error" if policy.on_components == "keep" else "keep",
    )
    return graphs_of_texts(texts, options, notation=notation)


def _raw(
    path: Path, texts: Texts, policy: Policy, *, notation: "Notation" = "smiles", classes: Sequence[str] = ()
) -> RawGraphs:
    from gengraph.chemistry.reading import faults_message

    molecules = molecules_of(texts[0], policy, notation=notation)
    if molecules.faults and policy.on_invalid == "error":
        salts = any("parts" in fault.reason for fault in molecules.faults)
        way_out = "; of salts the largest part stays with on_components = largest" if salts else ""
        msg = f"{path}: {faults_message(molecules, texts[1])}; mend them, or set on_invalid = drop{way_out}"
        raise InputError(msg)
    if molecules.left_out and policy.on_stereo == "error":
        listed = ", ".join(f"{name} ({count})" for name, count in molecules.left_out.items())
        msg = f"{path}: molecules have what graphs of atoms do not hold: {listed}; take it out, or set on_stereo = drop"
        raise InputError(msg)
    counts = {"on_invalid": len(molecules.faults), "on_stereo": max(molecules.left_out.values(), default=0)}
    graphs = molecules.graphs
    return RawGraphs(
        num_nodes=graphs.num_nodes,
        edge_offsets=graphs.edge_offsets,
        edges=graphs.edges,
        labels=graphs.labels,
        left_out={kind: count for kind, count in counts.items() if count},
        classes=Classes.of([classes[place] for place in molecules.kept.tolist()]) if classes else None,
    )


def generated_smiles(path: Path, policy: Policy) -> list[str | None] | None:
    """The canonical SMILES, without stereo, of each line of a file of SMILES, None for one that is no molecule.

    For judging a generator: what it wrote that is no molecule counts. A file of another kind gives None.
    """
    if not path.is_file() or not is_of_molecules(path) or suffix_of(path) in (".sdf", ".mol"):
        return None
    from gengraph.chemistry.reading import canonical_smiles

    texts, _ = smiles_lines(path) if suffix_of(path) in (".smi", ".smiles") else smiles_cells(path, policy.smiles)
    return canonical_smiles(texts)


def write_smi(graphs: GraphSet, path: Path) -> None:
    """Canonical SMILES, one a line."""
    from gengraph.chemistry.writing import smiles_of

    write_text(path, "".join(f"{text}\n" for text in _told(path, smiles_of(graphs))))


def write_smiles_table(graphs: GraphSet, path: Path) -> None:
    """A column `smiles`, and `class` if graphs have one."""
    from gengraph.chemistry.writing import smiles_of

    texts, classes = ["smiles", *_told(path, smiles_of(graphs))], graphs.classes
    if classes is None:
        write_text(path, "".join(f"{text}\n" for text in texts))
        return
    table = StringIO()
    csv.writer(table, lineterminator="\n").writerows(zip(texts, [CLASS, *classes.names()], strict=True))
    write_text(path, table.getvalue())


def write_sdf(graphs: GraphSet, path: Path) -> None:
    """Molfiles without coordinates."""
    from gengraph.chemistry.writing import molfiles_of

    write_text(path, "".join(f"{text}$$$$\n" for text in _told(path, molfiles_of(graphs))))


def _told(path: Path, written: "Written") -> list[str]:
    """The texts; graphs that are no molecules are told, and their texts are no molecules either, so that none is lost."""
    empty = [place for place, reason in written.invalid.items() if reason == "no atoms"]
    if empty:
        msg = f"{path}: {len(empty)} graphs have no nodes (the first is graph {empty[0]}), which {path.suffix} has no line for"
        raise InputError(msg)
    if written.invalid:
        _log.warning("%s: %s; they are written as they are, and are no molecules when they are read", path, written)
    return written.texts


def _column_of(names: Sequence[str], wanted: str) -> int | None:
    plain = [_plain(name) for name in names]
    if wanted:
        return plain.index(_plain(wanted)) if _plain(wanted) in plain else None
    known: list[Any] = [plain.index(name) for name in _COLUMNS if name in plain]
    return known[0] if known else next((k for k, name in enumerate(plain) if "smiles" in name), None)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _delimiter(line: str) -> str:
    """What the first line has most of between its cells."""
    return max(_DELIMITERS, key=line.count)


def are_molecules(graphs: GraphSet) -> bool:
    """Whether the labels of graphs are those of molecules."""
    nodes, edges = graphs.schema.nodes, graphs.schema.edges
    return nodes is not None and edges is not None and (nodes.name, edges.name) == ("element", "bond")


SUFFIXES = (".smi", ".smiles", ".sdf", ".mol")


def is_of_molecules(path: Path) -> bool:
    """Whether a file holds molecules by its name, or is a table with a column of SMILES."""
    return suffix_of(path) in SUFFIXES or (suffix_of(path) in (".csv", ".tsv") and holds_smiles(path))
