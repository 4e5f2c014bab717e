"""``import hikaripersist`` is ``import persist``, for code written for the library's first name.

Every submodule too: ``hikaripersist.errors is persist.errors``, so that a class is one class under either name.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
import types
from collections.abc import Sequence

import persist

# What type checkers see; at run time the last line of this file replaces this module.
from persist import *  # noqa: F403  # pyright: ignore[reportWildcardImportFromLibrary] - the alias ships with its library

_ALIAS = __name__


class _Redirect(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Hands out ``persist.x`` when someone imports ``hikaripersist.x``."""

    def find_spec(
        self,
        fullname: str,
        _path: Sequence[str] | None,
        _target: types.ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        if not fullname.startswith(f"{_ALIAS}."):
            return None
        return importlib.util.spec_from_loader(fullname, self)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        module = importlib.import_module(persist.__name__ + spec.name.removeprefix(_ALIAS))
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module: types.ModuleType) -> None:
        # The import system has just stamped the alias's spec on the real module; give the module its own back.
        if module.__spec__ is not None:
            module.__spec__ = module.__spec__.loader_state


# Before the path finder, which would find the same files and load them a second time under the second name.
sys.meta_path.insert(0, _Redirect())
sys.modules[_ALIAS] = persist
