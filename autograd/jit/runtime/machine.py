"""The machine that code is compiled for, and Code: LLVM IR as machine code whose functions can be called."""

from __future__ import annotations

import ctypes
import dataclasses
import functools
import threading
from typing import Any

from ...installation import require
from ...node import safe_at_fork
from .. import tuning
from . import cache

binding: Any = require("llvmlite.binding", "compiling (ag.jit, nn.compile_step)")

_recent: dict[str, Code] = {}
# LLVM's own tables are not safe for two threads. llvmlite has a lock for each call; _lock is for several calls.
_lock = safe_at_fork(threading.RLock())
if hasattr(binding.ffi.lib, "_lock"):
    safe_at_fork(binding.ffi.lib._lock)  # last, as whoever holds another may want it: Code is freed at any time


@dataclasses.dataclass(frozen=True)
class Machine:
    """A processor, by LLVM's name, and how many doubles one of its vectors holds (1: it has no vectors)."""

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


def compile_ir(ir: str, machine: Machine) -> Code:
    """Compile IR, unless it was compiled recently: models of one shape share their code."""
    key = cache.digest(ir, machine)
    code = _recent.pop(key, None) or Code(ir, machine)
    _recent[key] = code
    for old in list(_recent)[: -tuning.RECENT]:
        _recent.pop(old, None)
    return code


class Code:
    """Machine code, in memory as long as this object lives.

    Args:
        ir: the text of an LLVM module.
        machine: the machine to compile for.

    Attributes:
        size: bytes of machine code and its constants.
        cached: whether it came from the cache on disk.
    """

    def __init__(self, ir: str, machine: Machine) -> None:
        with _lock:
            target = binding.Target.from_default_triple().create_target_machine(
                cpu=machine.cpu, features=machine.features, opt=2, jit=True, reloc="pic", codemodel="jitdefault"
            )
            system = binding.get_default_triple()  # its objects have a format of their own
            key = cache.digest(ir, machine.cpu, machine.features, system, binding.llvm_version_info)
            compiled = cache.read_object(key)
            self.cached = compiled is not None
            if compiled is None:
                module = binding.parse_assembly(ir)
                compiled = target.emit_object(module)
                cache.write_object(key, compiled)
            engine = binding.create_mcjit_compiler(binding.parse_assembly(""), target)
            engine.add_object_file(binding.ObjectFileRef.from_data(compiled))
            self.object = compiled
            engine.finalize_object()
        self._engine = engine
        self.size = len(compiled)

    def function(self, name: str, *argument_types: Any, result: Any = None) -> Any:
        """A function of the module. It releases the interpreter lock while it runs."""
        address = self._engine.get_function_address(name)
        if not address:
            raise RuntimeError(f"the machine code has no function {name!r}; clear the directory {cache.VARIABLE} names")
        function: Any = ctypes.CFUNCTYPE(result, *argument_types)(address)
        function.code = self  # the function keeps the memory that it runs in alive
        return function
