"""What every benchmark prints: one JSON object on its last line, exit status 0 only if every bar holds."""

from __future__ import annotations

import json
import operator
import os
import platform
import sys
from typing import Any

OPERATORS = {">=": operator.ge, "<=": operator.le, "<": operator.lt, "==": operator.eq}


def bar(name: str, value: float, op: str, limit: float) -> dict[str, Any]:
    """Hold `value` against `limit`; `op` is >=, <=, < or ==."""
    return {"name": name, "value": value, "op": op, "bar": limit, "ok": bool(OPERATORS[op](value, limit))}


def machine() -> dict[str, Any]:
    """Say what ran this."""
    return {"cores": os.cpu_count(), "system": platform.platform(), "python": platform.python_version()}


def finish(name: str, figures: dict[str, Any], bars: list[dict[str, Any]], *, as_json: bool) -> int:
    """Print the result and return the exit status."""
    result = {"benchmark": name, "machine": machine(), "figures": figures, "bars": bars}
    if not as_json:
        for key, value in figures.items():
            print(f"{key}: {value}")
        for item in bars:
            print(f"{'ok  ' if item['ok'] else 'FAIL'} {item['name']}: {item['value']} {item['op']} {item['bar']}")
    print(json.dumps(result))
    sys.stdout.flush()
    return 0 if all(item["ok"] for item in bars) else 1
