"""What node and edge labels say about atoms and bonds.

A node label is an element, then, where they cannot be told from the bonds, the hydrogens (`NH`, `SH4`), the charge (`N+`,
`Fe+2`) and a point for each unpaired electron (`C.`). An edge label is the order of the bond, or `aromatic`.
"""

import re
from functools import lru_cache

from rdkit import Chem

from gengraph.errors import InputError

NODES, EDGES = "element", "bond"
AROMATIC = "aromatic"
BOND_TYPES = {
    "1": Chem.BondType.SINGLE,
    "2": Chem.BondType.DOUBLE,
    "3": Chem.BondType.TRIPLE,
    "4": Chem.BondType.QUADRUPLE,
    AROMATIC: Chem.BondType.AROMATIC,
}
BOND_LABELS = {kind: label for label, kind in BOND_TYPES.items()}
_ATOM = re.compile(r"([A-Z][a-z]?)(?:H(\d*))?(?:([+-])(\d*))?(\.*)")


def label_of(element: str, charge: int = 0, radicals: int = 0, hydrogens: int | None = None) -> str:
    """The node label of an atom; `hydrogens` only where they are others than the bonds say."""
    explicit = "" if hydrogens is None else "H" if hydrogens == 1 else f"H{hydrogens}"
    size = "" if abs(charge) <= 1 else str(abs(charge))
    return f"{element}{explicit}{'+' * (charge > 0)}{'-' * (charge < 0)}{size}{'.' * radicals}"


@lru_cache(maxsize=4096)
def atom_of(label: str) -> Chem.Atom:
    """The atom that a node label says.

    Raises:
        InputError: it says none.
    """
    found = _ATOM.fullmatch(label)
    try:
        if found is None:
            raise RuntimeError
        atom = Chem.Atom(found[1])
    except RuntimeError as error:
        msg = f"node labels of molecules must be elements such as C, N+, O- or NH, got {label!r}"
        raise InputError(msg) from error
    _, hydrogens, sign, size, radicals = found.groups()
    if hydrogens is not None:
        atom.SetNumExplicitHs(int(hydrogens or 1))
        atom.SetNoImplicit(True)
    if sign:
        atom.SetFormalCharge(int(sign + (size or "1")))
    atom.SetNumRadicalElectrons(len(radicals))
    return atom


def bond_of(label: str) -> Chem.BondType:
    """The type of bond that an edge label says.

    Raises:
        InputError: it says none.
    """
    if label not in BOND_TYPES:
        msg = f"edge labels of molecules must be {', '.join(BOND_TYPES)}, got {label!r}"
        raise InputError(msg)
    return BOND_TYPES[label]
