"""How `--help` looks: plain text, options in groups, examples that can be copied.

It is laid out without rich, whose import takes longer than all else that `gengraph --help` does.
"""

import inspect
import re
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

WIDTH = 100
"""Columns of help, where the terminal has so many."""


class _Layout:
    """What commands and groups of commands have in common."""

    help: str | None

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """The words of the usage line."""
        return [piece.strip("{}") for piece in super().collect_usage_pieces(ctx)]  # type: ignore[misc]  # of the class beside this

    def format_help_text(self, _ctx: Any, formatter: Any) -> None:
        """Paragraphs as wide as the terminal, then the examples, a line each: a broken one could not be copied."""
        text, title, examples = inspect.cleandoc(self.help or "").rpartition("Example")
        lines = [line.strip() for line in f"{title}{examples}".splitlines() if line.strip()]
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text(text.strip())
        formatter.write_paragraph()
        formatter.write("\n".join([lines[0], *(f"  {line}" for line in lines[1:])]) + "\n")

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """A section for the arguments, one for what the command is about, one for each group of other options."""
        sections: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": []}
        for parameter in self.get_params(ctx):  # type: ignore[attr-defined]  # of the class beside this
            record = parameter.get_help_record(ctx)
            if record is None:
                continue
            if parameter.param_type_name == "argument":
                sections["Arguments"].append((parameter.metavar, record[1]))
            else:
                sections.setdefault(getattr(parameter, "rich_help_panel", None) or "Options", []).append(record)
        for title, records in sections.items():
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)


class Command(_Layout, TyperCommand):
    """A command."""


class Group(_Layout, TyperGroup):
    """A command that has others below it."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """The options, then the commands."""
        super().format_options(ctx, formatter)
        self.format_commands(ctx, formatter)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Each with the first words of its help, as many as say what it does."""
        commands = {name: self.get_command(ctx, name) for name in self.list_commands(ctx)}
        with formatter.section("Commands"):
            formatter.write_dl([(name, beginning(command)) for name, command in commands.items()])


def beginning(command: Any) -> str:
    """The help of a command up to its first stop."""
    return re.split(r"[.;:]", command.help or "")[0]


def group(**settings: Any) -> typer.Typer:
    """A `typer.Typer` of this layout; its commands take `cls=Command`."""
    return typer.Typer(cls=Group, add_completion=False, rich_markup_mode=None, **settings)
