#!/bin/sh
# pydot 4.0.1, graph_from_dot_data: valid names and attributes are refused with None and a message on standard output.
#
# The language DOT has numerals with a sign as names of nodes (-3), and attributes set apart by semicolons. pydot prints where its
# grammar ends, and returns None instead of raising an exception.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pydot==4.0.1
cd "$folder"
venv/bin/python - > seen <<'PYTHON'
import contextlib
import io

import pydot

for text in ("graph { a -- 3 }", "graph { a -- -3 }", "graph { a [x=1, y=2] }", "graph { a [x=1; y=2] }"):
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        graphs = pydot.graph_from_dot_data(text)
    told = printed.getvalue().strip().splitlines()
    print(f"{text}: {graphs if graphs is None else len(graphs)} {told[-1] if told else ''}".rstrip())
PYTHON
cat seen
cat > expected <<'TEXT'
graph { a -- 3 }: 1
graph { a -- -3 }: None Expected rbrace, found '-'  (at char 10), (line:1, col:11)
graph { a [x=1, y=2] }: 1
graph { a [x=1; y=2] }: None Expected rbrace, found '['  (at char 10), (line:1, col:11)
TEXT
diff expected seen
echo "as described"
