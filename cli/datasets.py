"""`gengraph datasets`."""


def datasets() -> None:
    """List the named data sets.

    Any command that takes a data set also takes a path: Parquet, JSON lines, graph6, sparse6 or a TU zip.

    Example:

      gengraph datasets
    """
    from rich.console import Console
    from rich.table import Table

    from gengraph.data import DATASETS

    table = Table(box=None, pad_edge=False)
    for title, justify in (("name", "left"), ("graphs", "right"), ("nodes", "right"), ("what", "left")):
        table.add_column(title, justify="right" if justify == "right" else "left", no_wrap=title != "what")
    for name, dataset in DATASETS.items():
        table.add_row(name, str(dataset.num_graphs), "{}-{}".format(*dataset.nodes), dataset.summary)
    Console().print(table)
