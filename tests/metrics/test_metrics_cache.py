"""Statistics that are kept on the disk are those that would be computed, whatever happens to the files."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from golden_files import golden_set

from gengraph.graphs import GraphSet
from gengraph.metrics import DescribedSet
from gengraph.metrics.cache import DescriptorCache
from gengraph.metrics.distinct import Distinct


def cache_in(folder: Path, **settings: float) -> DescriptorCache:
    return DescriptorCache(folder=folder, worth=0, **settings)


def not_again() -> Distinct:
    pytest.fail("computed a second time")


def test_what_is_kept_is_not_computed_again(tmp_path: Path) -> None:
    cache, graphs = cache_in(tmp_path), GraphSet.concatenate([golden_set("enzymes_A")] * 2)
    for name in ("degree", "orbit", "diameter", "assortativity"):
        made = DescribedSet(graphs, cache=cache).distinct(name)
        kept = cache.rows(graphs, f"{name} False", not_again)
        assert kept.values.dtype == made.values.dtype
        assert np.array_equal(kept.places, made.places)
        assert np.array_equal(kept.dense(), DescribedSet(graphs).rows(name), equal_nan=True)
    assert len(list(tmp_path.iterdir())) == 4
    assert len(DescribedSet(graphs[:-1], cache=cache).rows("degree")) == len(graphs) - 1


@pytest.mark.parametrize("share", [0, 0.1, 0.5, 0.99])
def test_a_damaged_entry_is_computed_again(tmp_path: Path, share: float) -> None:
    cache, graphs = cache_in(tmp_path), golden_set("enzymes_A")
    wanted = DescribedSet(graphs, cache=cache).rows("orbit")
    (entry,) = tmp_path.iterdir()
    whole = entry.read_bytes()
    entry.write_bytes(whole[: int(share * len(whole))])
    assert np.array_equal(DescribedSet(graphs, cache=cache).rows("orbit"), wanted)
    assert entry.stat().st_size == len(whole)


KILLED = """
import os, sys
from pathlib import Path
from gengraph.data import load_dataset
from gengraph.metrics import DescribedSet
from gengraph.metrics.cache import DescriptorCache
Path.replace = lambda *_: os._exit(9)
DescribedSet(load_dataset("ladder"), cache=DescriptorCache(folder=Path(sys.argv[1]), worth=0)).rows("degree")
"""


def test_a_process_that_is_killed_before_the_entry_has_its_name_leaves_none(tmp_path: Path) -> None:
    from gengraph.data import load_dataset

    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False)
    assert done.returncode == 9
    (left_over,) = tmp_path.iterdir()
    assert left_over.suffix == ".tmp"
    os.utime(left_over, (0, 0))
    ladders = load_dataset("ladder")
    assert np.array_equal(DescribedSet(ladders, cache=cache_in(tmp_path)).rows("degree"), DescribedSet(ladders).rows("degree"))
    (entry,) = tmp_path.iterdir()
    assert entry.suffix == ".npz"


def test_entries_that_were_not_used_for_longest_go_first(tmp_path: Path) -> None:
    graphs, sizes = golden_set("enzymes_A"), []
    parts = [graphs[k::4] for k in range(4)]
    cache = cache_in(tmp_path)
    for k, part in enumerate(parts[:3]):
        DescribedSet(part, cache=cache).rows("orbit")
        entry = max(tmp_path.iterdir(), key=lambda path: path.stat().st_mtime)
        os.utime(entry, (k + 1, k + 1))
        sizes.append(entry.stat().st_size)
    cache.rows(parts[0], "orbit False", not_again)  # used now
    small = cache_in(tmp_path, max_bytes=sum(sizes) - 1)
    DescribedSet(parts[3], cache=small).rows("nodes")
    for part in (parts[0], parts[2]):
        cache.rows(part, "orbit False", not_again)
    assert len(list(tmp_path.iterdir())) == 3


def test_a_folder_that_cannot_be_written_does_not_matter(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    graphs = golden_set("enzymes_A")
    cached = DescribedSet(graphs, cache=cache_in(tmp_path / "file")).rows("degree")
    assert np.array_equal(cached, DescribedSet(graphs).rows("degree"))


def test_what_is_quick_is_not_kept(tmp_path: Path) -> None:
    DescribedSet(golden_set("enzymes_A"), cache=DescriptorCache(folder=tmp_path, worth=1e9)).rows("degree")
    assert not list(tmp_path.iterdir())
