"""How is a small file written, so that a reader never sees a part of it?"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from contextlib import suppress
from pathlib import Path


def unique(directory: Path) -> Path:
    """Return a path in `directory` that nobody else uses."""
    return directory / f'{os.getpid()}-{secrets.token_hex(8)}'


def replace_json(path: Path, row: dict[str, object], tmp: Path) -> None:
    """Write `row` to the file `path` in one step; `tmp` is on the same filesystem."""
    stage = unique(tmp)
    try:
        stage.write_text(json.dumps(row, indent=2) + '\n', encoding='utf-8')
        os.replace(stage, path)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(stage)


def sha256(path: str) -> str:
    """Return the sha256 of a file in hexadecimal digits. Raises `OSError`."""
    digest = hashlib.sha256()
    with open(path, 'rb') as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()
