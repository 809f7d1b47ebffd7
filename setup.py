"""Compiles the native library at installation; without a C++ compiler the installation goes on, and plain PyTorch computes."""

import runpy
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

PACKAGE = Path("gengraph") / "models" / "graphrnn" / "kernels"
library = runpy.run_path(str(PACKAGE / "build.py"))


class BuildLibrary(build_ext):
    """Puts one shared library for each instruction set beside the modules that load them."""

    def run(self) -> None:
        """Compile; a failure is told, and ends nothing."""
        try:
            library["build"](self.folder)
        except library["BuildError"] as error:
            self.warn(f"the native library of gengraph is not built: {error}")

    @property
    def folder(self) -> Path:
        """Where the libraries belong: in the sources for an editable installation."""
        return PACKAGE if self.inplace else Path(self.build_lib) / PACKAGE

    def get_outputs(self) -> list[str]:
        """The files that were made."""
        return [str(path) for path in self.folder.glob("libgengraph-*.so")]

    def get_output_mapping(self) -> dict[str, str]:
        """Nothing is copied."""
        return {}


# The extension only says that there is something to compile.
setup(ext_modules=[Extension("gengraph.models.graphrnn.kernels.native", sources=[])], cmdclass={"build_ext": BuildLibrary})
