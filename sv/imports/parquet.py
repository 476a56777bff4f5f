"""Parquet: rows by their number, values as `engine.duck.reading` gives them; a null is no value."""

import json
import shutil
from collections.abc import Callable, Iterator
from datetime import tzinfo
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any

import msgspec

from sv.imports.files import UserFile
from sv.imports.moments import in_zone
from sv.imports.rows import Row, Unit

if TYPE_CHECKING:
    from sv.engine.duck.reading import Role
