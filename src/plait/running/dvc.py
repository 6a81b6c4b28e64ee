"""DVC as plait runs it: `python -m plait.running.dvc ARGUMENTS`.

DVC writes dvc.lock in place: a kill or a full disk in that moment leaves an empty file, or half of
one, after which no command of DVC works. Here it is written whole or not at all.
"""

import io
import sys
from pathlib import Path
from typing import Any

from dvc.cli import main
from dvc.utils.serialize import _common

from plait.files import atomic_write

_in_place = _common._dump_data


def _dump_whole(path: Any, data: Any, dumper: Any, fs: Any = None, **options: Any) -> None:
    """Write data to a file of DVC's; files elsewhere than on this machine as DVC does it."""
    if fs is not None and fs.protocol != "local":
        _in_place(path, data, dumper=dumper, fs=fs, **options)
        return
    text = io.StringIO()
    dumper(data, text, **options)
    with atomic_write(Path(path)) as stream:
        stream.write(text.getvalue().encode())


_common._dump_data = _dump_whole

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
