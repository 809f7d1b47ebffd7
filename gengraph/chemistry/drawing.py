"""Molecules as chemists draw them, by RDKit."""

import math
import re
from pathlib import Path

from rdkit import Chem
from rdkit.Chem import rdDepictor
from rdkit.Chem.Draw import rdMolDraw2D

from gengraph.chemistry.molecules import quiet
from gengraph.chemistry.writing import mols_of
from gengraph.errors import InputError
from gengraph.files import atomic_path
from gengraph.graphs import GraphSet

PICTURE_FORMATS = ("svg", "png")
PATHS_SIDE = _SIZE = 220  # points of a side
_LETTERS = 36  # of a SMILES under a drawing


def draw_molecules(graphs: GraphSet, path: Path) -> None:
    """Draw molecules side by side into a picture, with their SMILES; what is no possible molecule is drawn as it is and told.

    Args:
        graphs: at least one.
        path: ends with one of PICTURE_FORMATS; written whole or not at all.

    Raises:
        InputError: no graphs, or another suffix.
    """
    suffix = path.suffix.removeprefix(".").lower()
    if suffix not in PICTURE_FORMATS:
        msg = f"a picture of molecules must end with .{' or .'.join(PICTURE_FORMATS)}, got {str(path)!r}"
        raise InputError(msg)
    if not len(graphs):
        msg = "a picture needs at least 1 molecule, got 0; check the file"
        raise InputError(msg)
    columns = math.ceil(math.sqrt(len(graphs)))
    rows = math.ceil(len(graphs) / columns)
    kind = rdMolDraw2D.MolDraw2DSVG if suffix == "svg" else rdMolDraw2D.MolDraw2DCairo
    drawing = kind(columns * _SIZE, rows * _SIZE, _SIZE, _SIZE)
    drawn = _draw(drawing, graphs)
    with atomic_path(path) as temporary:
        temporary.write_bytes(drawn.encode() if isinstance(drawn, str) else drawn)


def paths_of(graph: GraphSet) -> str:
    """One molecule as the paths of an SVG in a square of PATHS_SIDE: letters are paths too, no style is from elsewhere."""
    drawing = rdMolDraw2D.MolDraw2DSVG(_SIZE, _SIZE, _SIZE, _SIZE)  # with FreeType, the usual: letters are paths
    text = str(_draw(drawing, graph, legends=False))
    paths = re.findall(r"<path [^>]*/>", text)
    return re.sub(r"\s+", " ", re.sub(r" (?:class|id)='[^']*'", "", "".join(paths)))


def _draw(drawing: rdMolDraw2D.MolDraw2D, graphs: GraphSet, *, legends: bool = True) -> str | bytes:
    options = drawing.drawOptions()
    options.prepareMolsBeforeDrawing = False
    options.legendFontSize = 11
    options.clearBackground = legends
    mols, texts = [], []
    with quiet():
        for mol, reason in mols_of(graphs):
            mols.append(_prepared(mol, kekulize=not reason))
            smiles = Chem.MolToSmiles(mol)
            shown = smiles if len(smiles) <= _LETTERS else f"{smiles[:_LETTERS]}..."
            texts.append(f"no molecule: {shown}" if reason else shown)
        drawing.DrawMolecules(mols, legends=texts if legends else None)
    drawing.FinishDrawing()
    drawn: str | bytes = drawing.GetDrawingText()
    return drawn


def _prepared(mol: Chem.Mol, *, kekulize: bool) -> Chem.Mol:
    """With places for its atoms."""
    rdDepictor.Compute2DCoords(mol)
    return rdMolDraw2D.PrepareMolForDrawing(mol, kekulize=kekulize, addChiralHs=False, wavyBonds=False)
