#!/usr/bin/env bash
# fcd 1.2.2, get_fcd: the distance of a set of molecules to itself is large where the SMILES are spelt otherwise.
#
# The network reads the letters as they are given: 66 benzenes in Kekule's spelling are at 20 from the same benzenes in aromatic
# spelling, sixty times as far as their meta isomers, which are other molecules. fcd_torch 1.0.7, which says that it gives the
# same outputs, makes the SMILES canonical first: 0. That of the meta isomers is the same in both, so nothing tells them apart
# until one set comes from a file that spells otherwise (PubChem's, or an output of a decoder). The documentation of get_fcd
# asks for lists of SMILES.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet fcd==1.2.2 fcd_torch==1.0.7 torch==2.13.0 rdkit==2026.9.1 numpy==2.4.6 scipy==1.17.1
cd "$folder"
venv/bin/python -W ignore - > seen 2> warnings <<'PYTHON'
import itertools

from fcd import get_fcd
from fcd_torch import FCD
from rdkit import Chem


def kekule(smiles):
    molecule = Chem.MolFromSmiles(smiles)
    Chem.Kekulize(molecule)
    return Chem.MolToSmiles(molecule, kekuleSmiles=True)


groups = ["C", "CC", "O", "N", "F", "Cl", "C#N", "OC", "C(=O)O", "N(C)C", "C(F)(F)F", "S(C)(=O)=O"]
pairs = list(itertools.combinations(groups, 2))
para = [Chem.CanonSmiles(f"c1({one})ccc({other})cc1") for one, other in pairs]
meta = [Chem.CanonSmiles(f"c1({one})cccc({other})c1") for one, other in pairs]
for name, others in (("meta isomers", meta), ("the same, Kekule's spelling", [kekule(smiles) for smiles in para])):
    print(f"{name}: fcd {get_fcd(para, others):.1f}, fcd_torch {abs(FCD(device='cpu', n_jobs=1)(para, others)):.1f}")
PYTHON
cat seen
cat > expected <<'TEXT'
meta isomers: fcd 0.3, fcd_torch 0.3
the same, Kekule's spelling: fcd 20.0, fcd_torch 0.0
TEXT
diff expected seen
echo "as described"
