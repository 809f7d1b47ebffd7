"""Molecules as labelled graphs: the one room of RDKit (`pip install 'gengraph[molecules]'`).

A molecule is a graph of its heavy atoms: node labels say element, charge and radical (`C`, `N+`, `O-`), edge labels the order
of the bond. Hydrogens follow from the valence. Stereo, isotopes and atom maps are not represented, and are counted.
"""

from gengraph.errors import InputError

try:
    import rdkit
except ImportError as error:
    _msg = "molecules need the package rdkit; pip install 'gengraph[molecules]'"
    raise InputError(_msg) from error

RDKIT_VERSION: str = rdkit.__version__
OLDEST = (2026, 3)  # from here on Kekule forms are the same for every spelling of a molecule
if tuple(int(part) for part in RDKIT_VERSION.split(".")[:2]) < OLDEST:
    _msg = (
        f"molecules need rdkit {OLDEST[0]}.{OLDEST[1]} or newer (before, Kekule forms depend on how a molecule is spelt), got "
        f"{RDKIT_VERSION}; pip install 'gengraph[molecules]'"
    )
    raise InputError(_msg)
