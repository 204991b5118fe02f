"""What a seal on append-only rows says, byte for byte: the maths of the tamper-evident chain. No rows, no clock."""

from __future__ import annotations

import hashlib
import hmac
import json
import struct
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

FIRST = "0" * 64
"""What the first seal follows on."""
FIRST_ID = -(2**63)
"""Where the first seal of a table begins: a row put in with an id below 1 is inside it."""
_MEMBER = struct.Struct(">q8s")


def canonical(values: Any) -> bytes:
    """Return one spelling of `values`, whichever database they were read from. Raises TypeError for what has none."""
    return json.dumps(_plain(values), sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):  # PostgreSQL's jsonb gives 1e16 back as a whole number
        return int(value) if value.is_integer() else value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    raise TypeError(f"{type(value).__name__} has no canonical spelling.")


def leaf(layout: Sequence[str], row: Sequence[Any]) -> bytes:
    """Return the SHA-256 of one row: its columns by name."""
    return hashlib.sha256(canonical(dict(zip(layout, row, strict=True)))).digest()


def leaves_digest(leaves: Iterable[bytes]) -> str:
    """Return the hash of all rows of a seal in the order of their ids."""
    digest = hashlib.sha256()
    for one in leaves:
        digest.update(one)
    return digest.hexdigest()


def pack(members: Iterable[tuple[int, bytes]]) -> bytes:
    """Keep ids and the first 8 bytes of each row's hash: enough to say which row differs."""
    return b"".join(_MEMBER.pack(pk, one[:8]) for pk, one in members)


def unpack(members: bytes) -> dict[int, bytes]:
    """Return id -> the first bytes of its hash. Raises ValueError when the bytes were cut."""
    if len(members) % _MEMBER.size:
        raise ValueError("The list of a seal's rows is cut.")
    return dict(_MEMBER.iter_unpack(members))


def seal_digest(facts: Mapping[str, Any], key: bytes | None) -> str:
    """Return the hash that closes a seal, with a key one that nobody without the key can make."""
    said = canonical(facts)
    return hmac.new(key, said, hashlib.sha256).hexdigest() if key else hashlib.sha256(said).hexdigest()


def key_id(key: bytes) -> str:
    """Return the name by which seals call a key; it doesn't tell the key."""
    return hmac.new(key, b"softproof audit key", hashlib.sha256).hexdigest()[:12]
