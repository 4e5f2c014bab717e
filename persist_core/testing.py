"""The contract of stores, as tests: to test your own backend, subclass :class:`StoreContract` and write one method.

::

    class TestMyStore(StoreContract):
        @pytest.fixture(autouse=True)
        def place(self, tmp_path):
            self.url = f"mine://{tmp_path}/cache"

        def make_store(self):
            return persist.plugins.open_store(self.url)

This needs the extra ``testing``.
"""

from __future__ import annotations

import sys

import pytest

# Register them before they are imported, so that failures show what was compared.
_PARTS = [f"{__package__}.contract_{part}" for part in ("base", "changes", "questions", "rules", "scopes", "stores")]
pytest.register_assert_rewrite(*(name for name in _PARTS if name not in sys.modules))

from .contract_changes import KeyedChanges  # noqa: E402
from .contract_questions import Questions  # noqa: E402
from .contract_rules import Rulings  # noqa: E402
from .contract_scopes import ScopeChanges  # noqa: E402
from .contract_stores import Stores  # noqa: E402

__all__ = ("StoreContract",)


class StoreContract(KeyedChanges, ScopeChanges, Rulings, Questions, Stores):
    """Everything that a store has to guarantee. The name of a failing test is the guarantee that is broken."""
