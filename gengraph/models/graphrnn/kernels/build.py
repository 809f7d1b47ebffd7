"""Compiles the native library: `python -m gengraph.models.graphrnn.kernels.build`, and at `pip install` by setup.py.

One library for each instruction set, the same sources for all; library.py loads the best that the processor has. With
--sanitize they check their memory accesses and arithmetic as they run (docs/kernels.md). Needs GCC or Clang, from $CXX or the
path, and the standard library of Python alone.
"""

import argparse
import hashlib
import os
import platform
import shlex
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).parent
SOURCES = HERE / "native"
_FLAGS = "-std=c++17 -fPIC -shared -pthread -fvisibility=hidden -Wall -Wextra -Wno-psabi"
_FAST = "-O3 -ffp-contract=fast -fno-math-errno -fno-trapping-math"
_SANITIZE = "-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer"
_X86 = {
    "avx512": "-mavx512f -mavx512dq -mavx512bw -mavx512vl -mavx2 -mfma",
    "avx2": "-mavx2 -mfma",
    "baseline": "",
}


class BuildError(RuntimeError):
    """The library cannot be compiled here; the message says why."""


def instruction_sets() -> dict[str, str]:
    """Compiler flags of each instruction set of this kind of processor, the best first."""
    return _X86 if platform.machine().lower() in {"x86_64", "amd64"} else {"baseline": ""}


def library_name(instruction_set: str) -> str:
    """The file name of a library."""
    return f"libgengraph-{instruction_set}.so"


def sources_hash() -> str:
    """Says whether a library was compiled from the sources that stand here."""
    digest = hashlib.sha256()
    for path in sorted(SOURCES.iterdir()):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def compiler() -> list[str]:
    """The command of a C++ compiler.

    Raises:
        BuildError: there is none.
    """
    if os.environ.get("CXX"):
        return shlex.split(os.environ["CXX"])
    for name in ("g++", "clang++", "c++"):
        if found := shutil.which(name):
            return [found]
    msg = "no C++ compiler found (g++, clang++, c++); install one, or name it in CXX"
    raise BuildError(msg)


def build(folder: Path = HERE, *, sanitize: bool = False) -> list[Path]:
    """Compile the libraries into a folder.

    Raises:
        BuildError: there is no compiler, or it fails.
    """
    command = [*compiler(), *_FLAGS.split(), *(_SANITIZE if sanitize else _FAST).split()]
    command += [f'-DGENGRAPH_SOURCES="{sources_hash()}"', *map(str, sorted(SOURCES.glob("*.cpp")))]
    folder.mkdir(parents=True, exist_ok=True)
    targets = [(folder / library_name(name), [*command, *flags.split()]) for name, flags in instruction_sets().items()]
    with ThreadPoolExecutor() as pool:
        return list(pool.map(_compile, targets))


def _compile(target: tuple[Path, list[str]]) -> Path:
    path, command = target
    unfinished = path.with_suffix(f".{os.getpid()}")
    try:
        subprocess.run([*command, "-o", str(unfinished)], check=True, capture_output=True, text=True)
        unfinished.replace(path)
    except (OSError, subprocess.CalledProcessError) as error:
        unfinished.unlink(missing_ok=True)
        msg = f"{command[0]} failed: {getattr(error, 'stderr', '') or error}"
        raise BuildError(msg) from None
    return path


def main() -> None:
    """Compile, and print what was made."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sanitize", action="store_true", help="check memory accesses and arithmetic at run time")
    for path in build(sanitize=parser.parse_args().sanitize):
        print(path)


if __name__ == "__main__":
    main()
