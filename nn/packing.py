"""pack and unpack: the state of a run as JSON and arrays, exactly, or an error that names the part that cannot be kept.

JSON has no tuples, no keys but strings and no arrays. Each of them is an object with one entry, which names its kind;
so a user's own dict can never be taken for one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograd.primitive import describe

from .weights import Arrays

DEEPEST = 50  # how many levels of dicts, lists and tuples are kept
LONG = 16  # lists of at least that many floats are kept as arrays, which takes less time and space


def pack(x: Any, path: str, arrays: Arrays, depth: int = 0) -> Any:
    """x as JSON keeps it; its arrays go to `arrays`, each under a name of its own.

    Args:
        x: None, or a bool, int, float, str, NumPy scalar or array, or a dict, list or tuple of these.
        path: what messages call x.
        arrays: where to put arrays.
        depth: how deep inside x is.

    Raises:
        TypeError: if there is anything else in it. The types must be exact: a namedtuple would come back as a tuple.
        ValueError: if it is nested more than DEEPEST deep.
    """
    kind = type(x)
    if x is None or kind in (bool, float) or (kind is int and abs(x) < 2**63):
        return x
    if kind is int:
        return {"int": hex(x)}  # decimal digits are limited to 4300
    if kind is str:
        return x if x.isascii() else {"text": x.encode("utf-8", "surrogatepass").hex()}
    if depth > DEEPEST:
        raise ValueError(f"a checkpoint keeps at most {DEEPEST} levels of dicts and lists, got more in {path[:80]}...")
    if isinstance(x, np.generic) or kind in (np.ndarray, np.memmap):
        return _pack_array(np.asarray(x), path, arrays, "scalar" if isinstance(x, np.generic) else "array")
    if kind is list and len(x) >= LONG and set(map(type, x)) == {float}:
        return _pack_array(np.array(x), path, arrays, "floats")
    if kind in (list, tuple):
        items = [pack(item, f"{path}[{k}]", arrays, depth + 1) for k, item in enumerate(x)]
        return items if kind is list else {"tuple": items}
    if kind is dict:
        return {
            "dict": [
                [pack(key, f"a key of {path}", arrays, depth + 1), pack(item, f"{path}[{key!r}]", arrays, depth + 1)]
                for key, item in x.items()
            ]
        }
    what = f"a {kind.__name__}" if isinstance(x, np.ndarray) else describe(x)  # such as a MaskedArray
    raise TypeError(
        "a checkpoint keeps numbers, strings, None, NumPy arrays of numbers, and dicts, lists and tuples of these, got "
        f"{path} = {what}. Convert it in state_dict(), and back in load_state_dict()"
    )


def unpack(x: Any, arrays: Arrays) -> Any:
    """What pack() made x from."""
    if isinstance(x, list):
        return [unpack(item, arrays) for item in x]
    if not isinstance(x, dict):
        return x
    ((kind, content),) = x.items()
    if kind == "dict":
        return {unpack(key, arrays): unpack(item, arrays) for key, item in content}
    if kind == "tuple":
        return tuple([unpack(item, arrays) for item in content])
    if kind == "int":
        return int(content, 16)
    if kind == "text":
        return bytes.fromhex(content).decode("utf-8", "surrogatepass")
    array = _unpack_array(content, arrays)
    if kind == "floats":
        return array.tolist()
    return array[()] if kind == "scalar" else array


def equal(a: Any, b: Any) -> bool:
    """Whether two states are the same: types, order, bits of numbers, and nan like nan."""
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return bool(a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes())
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return equal(list(a.items()), list(b.items()))
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(equal(x, y) for x, y in zip(a, b))
    if isinstance(a, np.generic):
        return equal(np.asarray(a), np.asarray(b))
    if isinstance(a, float):
        return bool(a.hex() == b.hex())  # which tells -0.0 from 0.0
    return bool(a == b)


def _pack_array(x: NDArray[Any], path: str, arrays: Arrays, kind: str) -> Any:
    if x.dtype.kind not in "biufcUSmM":
        raise TypeError(f"a checkpoint keeps arrays of numbers, got {path}, an array of {x.dtype}")
    if x.dtype.kind in "biuf" and x.dtype.itemsize <= 8 and x.dtype.isnative:
        stored = x
    else:  # safetensors has no such numbers: their bytes
        stored = np.frombuffer(x.tobytes(), dtype=np.uint8)
    name = f"{len(arrays)} {path}".encode("ascii", "backslashreplace").decode()
    arrays[name] = stored
    return {kind: [name, x.dtype.str, list(x.shape)]}


def _unpack_array(content: Any, arrays: Arrays) -> NDArray[Any]:
    name, dtype, shape = content
    stored = arrays[name]
    if stored.dtype.str == dtype:
        return stored
    return np.frombuffer(stored.tobytes(), dtype=np.dtype(dtype)).reshape(shape).copy()
