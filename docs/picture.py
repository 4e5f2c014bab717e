"""Draw the picture in the README: what `make demo` says in a terminal. Run it when the demo says something else."""

from __future__ import annotations

import pathlib
import re
import sys

import rich.console

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "examples"))

import demo  # noqa: E402 - it is not where Python looks

if __name__ == "__main__":
    demo.out = rich.console.Console(highlight=False, width=100, record=True, force_terminal=False)
    code = demo.main()
    drawn = demo.out.export_svg(title="make demo", clear=False)
    # The fonts of the reader's own terminal: nothing is asked of another host.
    drawn = re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.DOTALL)
    (HERE / "demo.svg").write_text(re.sub(r"[ \t]+$", "", drawn, flags=re.MULTILINE))
    sys.exit(code)
