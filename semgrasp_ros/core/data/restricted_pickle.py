"""Pickles read without running anything that they name: arrays and plain containers only.

A pickle is a program: it may ask for any importable object and call it. This reader lets it ask only for stand-ins
that rebuild a NumPy array from checked values, and for those that the caller allows by name. It is Python's own
reader in Python, since the one in C can be led to reserve any amount of memory.
"""

from __future__ import annotations

import io
import math
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

MAX_BYTES = 512 * 2**20


class PickleRefusedError(ValueError):
    """A pickle that asks for something that is not allowed, is too large, or cannot be read."""


class _StandIn:
    """What the file gets for a global: to be called or passed on, not to be changed."""

    __slots__ = ("_call",)

    def __init__(self, call: Callable[..., Any]) -> None:
        object.__setattr__(self, "_call", call)

    def __call__(self, *values: Any) -> Any:
        return self._call(*values)

    def __setattr__(self, name: str, value: Any) -> None:
        raise PickleRefusedError(f"changes {name!r} of what it was given")


class _Kind:
    """An array's element type as the file describes it; never a numpy.dtype, whose state could be forged."""

    __slots__ = ("dtype",)

    def __init__(self, spec: Any, *_: Any) -> None:
        try:
            self.dtype = np.dtype(spec) if isinstance(spec, str) else None
        except (TypeError, ValueError, SyntaxError) as error:
            raise PickleRefusedError(f"array: {spec!r:.80} is not an element type") from error
        if (
            self.dtype is None
            or self.dtype.kind not in "?biufcSUO"
            or self.dtype.names
            or self.dtype.subdtype
        ):
            raise PickleRefusedError(
                f"array: elements of {spec!r:.80} are not read; only numbers, text and objects"
            )

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, tuple) or len(state) < 5 or any(entry is not None for entry in state[2:5]):
            raise PickleRefusedError(
                "array: elements with fields are not read; only numbers, text and objects"
            )
        if state[1] in ("<", ">"):
            self.dtype = self.dtype.newbyteorder(state[1])


class RestoredArray(np.ndarray):
    """An array out of a pickle; `numpy.asarray` gives a plain one."""

    def __setstate__(self, state: Any) -> None:
        """Fills the array from (version, shape, element type, column order, content), each of them checked."""
        if not isinstance(state, tuple) or len(state) not in (4, 5):
            raise PickleRefusedError("array: its content is not (version, shape, type, order, data)")
        shape, kind, columns_first, content = state[-4:]
        dtype = kind.dtype if isinstance(kind, _Kind) else kind
        if not isinstance(dtype, np.dtype):
            raise PickleRefusedError(f"array: {kind!r:.80} is not an element type")
        count = _count(shape)
        if dtype.hasobject:
            if not isinstance(content, list) or len(content) != count:
                raise PickleRefusedError(f"array: objects of shape {shape} are not a list of {count}")
        else:
            content = _bytes(content)
            if len(content) != count * dtype.itemsize:
                raise PickleRefusedError(f"array: {len(content)} bytes are not {count} elements of {dtype}")
        super().__setstate__((1, tuple(shape), dtype, bool(columns_first), content))


def _count(shape: Any) -> int:
    if not isinstance(shape, tuple) or len(shape) > 32:
        raise PickleRefusedError(f"array: {shape!r:.80} is not a shape")
    if any(isinstance(length, bool) or not isinstance(length, int) or length < 0 for length in shape):
        raise PickleRefusedError(f"array: {shape!r:.80} is not a shape")
    return math.prod(shape)


def _bytes(content: Any) -> bytes:
    # Python 2 wrote bytes as its 8-bit strings, which arrive as text when they are read as latin1.
    try:
        raw = content.encode("latin1") if isinstance(content, str) else content
    except UnicodeEncodeError as error:
        raise PickleRefusedError("array: its data are text; read the file with encoding='latin1'") from error
    if not isinstance(raw, (bytes, bytearray)):
        raise PickleRefusedError(f"array: its data are a {type(content).__name__}, not bytes")
    return bytes(raw)


_ARRAY = _StandIn(lambda *_: _refuse("calls numpy.ndarray, which makes arrays of any size"))
_OBJECT = _StandIn(lambda *_: _refuse("calls object"))


def _refuse(why: str) -> None:
    raise PickleRefusedError(why)


def _reconstruct(subtype: Any, *_: Any) -> np.ndarray:
    if subtype is not _ARRAY:
        raise PickleRefusedError(f"array: is a {subtype!r:.80}; only numpy.ndarray itself is read")
    return np.ndarray.__new__(RestoredArray, (0,), np.int8)


def _from_buffer(content: Any, kind: Any, shape: Any, order: Any = "C") -> np.ndarray:
    if order not in ("C", "F"):
        raise PickleRefusedError(f"array: order {order!r:.80} is neither 'C' nor 'F'")
    array = _reconstruct(_ARRAY)
    array.__setstate__((shape, kind, order == "F", content))
    return array


def _scalar(kind: Any, content: Any = b"") -> Any:
    if not isinstance(kind, _Kind) or kind.dtype.hasobject:
        raise PickleRefusedError(f"scalar: {kind!r:.80} is not the type of a number or text")
    raw = _bytes(content)
    if len(raw) != kind.dtype.itemsize or not raw:
        raise PickleRefusedError(f"scalar: {len(raw)} bytes are not one {kind.dtype}")
    return np.frombuffer(raw, kind.dtype, 1)[0]


def _encode(text: Any, encoding: Any = "latin1") -> bytes:
    # Python 3 writes bytes in this way for readers of Python 2.
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise PickleRefusedError(f"bytes: written in {encoding!r:.80}; only latin1 is read")
    return text.encode("latin1")


def _empty() -> bytes:
    # Python 3 writes empty bytes as a call without arguments for readers of Python 2.
    return b""


def _byte_array(content: Any = b"", *rest: Any) -> bytearray:
    # A number would ask for that many bytes.
    return bytearray(_encode(content, *rest) if isinstance(content, str) else _bytes(content))


_ALLOWED: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): _ARRAY,
    ("numpy", "dtype"): _StandIn(_Kind),
    ("_codecs", "encode"): _StandIn(_encode),
    ("collections", "OrderedDict"): _StandIn(dict),
}
for _package in ("numpy.core", "numpy._core"):
    _ALLOWED[f"{_package}.multiarray", "_reconstruct"] = _StandIn(_reconstruct)
    _ALLOWED[f"{_package}.multiarray", "scalar"] = _StandIn(_scalar)
    _ALLOWED[f"{_package}.numeric", "_frombuffer"] = _StandIn(_from_buffer)
for _package in ("builtins", "__builtin__"):
    _ALLOWED[_package, "object"] = _OBJECT
    _ALLOWED[_package, "bytes"] = _StandIn(_empty)
    _ALLOWED[_package, "bytearray"] = _StandIn(_byte_array)
    for _type in (set, frozenset, complex):
        _ALLOWED[_package, _type.__name__] = _StandIn(_type)


class _Reader(pickle._Unpickler):
    dispatch = dict(pickle._Unpickler.dispatch)

    def __init__(self, stream: io.BytesIO, encoding: str, extra: Mapping[tuple[str, str], Any]) -> None:
        super().__init__(stream, encoding=encoding)
        self._extra = extra

    def find_class(self, module: str, name: str) -> Any:
        key = (module, name)
        if key in self._extra:
            return self._extra[key]
        if key in _ALLOWED:
            return _ALLOWED[key]
        if key in (("copyreg", "_reconstructor"), ("copy_reg", "_reconstructor")):
            return _StandIn(self._new)
        raise PickleRefusedError(
            f"asks for the global '{module}.{name}', which is not allowed; nothing of it was run. "
            "Only numpy arrays and plain containers are read"
        )

    def get_extension(self, code: int) -> None:
        raise PickleRefusedError(f"asks for the registered extension {code}, which is not allowed")

    def persistent_load(self, pid: Any) -> Any:
        raise PickleRefusedError(
            f"asks for an outside object {pid!r:.80}; only self-contained files are read"
        )

    def _new(self, kind: Any, base: Any = _OBJECT, state: Any = None) -> Any:
        # Python 2 made plain objects in this way; here only the caller's stand-ins can be meant.
        if not isinstance(kind, type) or kind not in self._extra.values():
            raise PickleRefusedError(f"makes an object of {kind!r:.80}, which is not allowed")
        return object.__new__(kind)

    def _build(self) -> None:
        instance = self.stack[-2] if len(self.stack) > 1 else None
        if isinstance(instance, (type, _StandIn)) or callable(instance):
            raise PickleRefusedError(f"changes {instance!r:.80}, which is not its own")
        pickle._Unpickler.load_build(self)

    dispatch[pickle.BUILD[0]] = _build


def loads(
    data: bytes,
    *,
    encoding: str = "ASCII",
    extra: Mapping[tuple[str, str], Any] | None = None,
    name: str = "pickle",
) -> Any:
    """Reads a pickle that holds arrays and plain containers.

    Args:
        data: the pickle.
        encoding: of 8-bit strings that Python 2 wrote; "latin1" for its arrays.
        extra: further globals, (module, name) -> stand-in class that is used in place of what the file asks for.
        name: of the source, for errors.

    Returns:
        What was pickled; arrays as RestoredArray, and stand-ins where `extra` gave them.

    Raises:
        PickleRefusedError: the file asks for any other global, or is truncated or otherwise unreadable.
    """
    try:
        return _Reader(io.BytesIO(data), encoding, extra or {}).load()
    except PickleRefusedError as error:
        raise PickleRefusedError(f"{name}: {error}") from None
    except MemoryError as error:
        raise PickleRefusedError(
            f"{name}: asks for more memory than there is; the file is damaged"
        ) from error
    except (EOFError, pickle.UnpicklingError) as error:
        raise PickleRefusedError(
            f"{name}: ends early or is not a pickle ({len(data)} bytes; {error}); copy the file again"
        ) from error
    except Exception as error:
        # Damaged files fail in every way that the protocol has: index, attribute, type, value, Unicode.
        raise PickleRefusedError(f"{name}: cannot be read ({type(error).__name__}: {error})") from error


def load(
    path: str | Path,
    *,
    encoding: str = "ASCII",
    extra: Mapping[tuple[str, str], Any] | None = None,
    max_bytes: int = MAX_BYTES,
) -> Any:
    """Reads a pickle file that holds arrays and plain containers.

    Args:
        path: of the file.
        encoding: of 8-bit strings that Python 2 wrote; "latin1" for its arrays.
        extra: further globals, (module, name) -> stand-in class that is used in place of what the file asks for.
        max_bytes: a larger file is refused before it is read.

    Returns:
        As loads.

    Raises:
        PickleRefusedError: names the file and what is wrong with it.
        OSError: the file cannot be opened.
    """
    path = Path(path)
    size = path.stat().st_size
    if size > max_bytes:
        raise PickleRefusedError(f"{path}: {size} bytes are more than the {max_bytes} that are read at most")
    return loads(path.read_bytes(), encoding=encoding, extra=extra, name=str(path))
