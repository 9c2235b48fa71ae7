"""The machine that code is made for, and what turns LLVM IR into functions that can be called."""

from __future__ import annotations

import ctypes
import dataclasses
import functools
import threading
from typing import Any

from ...installation import require
from . import cache

binding: Any = require("llvmlite.binding", "compiling (ag.jit, nn.compile_step)")

RECENT = 16  # modules whose code is kept for the next that is alike
_recent: dict[str, Code] = {}
_lock = threading.Lock()  # LLVM's own tables are not made for two threads


@dataclasses.dataclass(frozen=True)
class Machine:
    """The host: its processor by LLVM's name, and how many doubles one of its vectors holds (1: no vectors)."""

    cpu: str
    features: str
    lanes: int
    fma: bool


@functools.cache
def host() -> Machine:
    """The machine this runs on."""
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    features = binding.get_host_cpu_features()
    has = {name for name, present in features.items() if present}
    lanes = 8 if "avx512f" in has and "avx512dq" in has else 4 if "avx" in has else 2 if has & {"sse2", "neon"} else 1
    fma = bool(has & {"fma", "neon", "avx512f"})
    return Machine(binding.get_host_cpu_name(), features.flatten(), lanes, fma)


def code_of(ir: str, machine: Machine) -> Code:
    """The machine code of an LLVM module; where the same was asked for lately, as for models that are alike, that."""
    key = cache.key(ir, machine)
    code = _recent.pop(key, None) or Code(ir, machine)
    _recent[key] = code
    for old in list(_recent)[:-RECENT]:
        _recent.pop(old, None)
    return code


class Code:
    """Machine code in memory, as long as this lives.

    Args:
        ir: an LLVM module.
        machine: what to make code for.

    Attributes:
        size: bytes of machine code, with its constants.
        cached: whether it came from the cache on disk.
    """

    def __init__(self, ir: str, machine: Machine) -> None:
        with _lock:
            target = binding.Target.from_default_triple().create_target_machine(
                cpu=machine.cpu, features=machine.features, opt=2, jit=True, reloc="pic", codemodel="jitdefault"
            )
            key = cache.key(ir, machine.cpu, machine.features, binding.llvm_version_info)
            compiled = cache.read(key)
            self.cached = compiled is not None
            engine = binding.create_mcjit_compiler(binding.parse_assembly(""), target)
            if compiled is not None:
                try:
                    engine.add_object_file(binding.ObjectFileRef.from_data(compiled))
                except RuntimeError:
                    compiled = None
                    self.cached = False
            if compiled is None:
                module = binding.parse_assembly(ir)
                compiled = target.emit_object(module)
                cache.write(key, compiled)
                engine.add_object_file(binding.ObjectFileRef.from_data(compiled))
            self.object = compiled
            engine.finalize_object()
        self._engine = engine
        self.size = len(compiled)

    def function(self, name: str, *argument_types: Any, result: Any = None) -> Any:
        """A function of the module, which releases the interpreter lock while it runs."""
        address = self._engine.get_function_address(name)
        function: Any = ctypes.CFUNCTYPE(result, *argument_types)(address)
        function.code = self  # whoever has the function keeps the memory that it runs in
        return function
