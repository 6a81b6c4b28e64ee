"""Registries with small bundles, as promotions leave them."""

import os
from pathlib import Path

import small
from plait.bundle import FORMAT
from plait.files import write_json
from plait.registry.records import Record, Stage
from plait.registry.store import Registry


def bundle(root: Path, content: str, candidate: str = "one") -> Path:
    """A folder like a bundle in models/, whose digest depends on `content`."""
    folder = root / "models" / candidate
    resolved = small.candidate(candidate, [small.INTENT])
    write_json(folder / "bundle.json", {"format": FORMAT, **resolved.as_json()})
    (folder / "weights").write_text(content * 100)
    return folder


def crown(
    root: Path,
    content: str,
    service: str = "shop",
    stage: Stage = "production",
    point: bool = True,
    act: str = "promote",
) -> Record:
    """Make a plan of one bundle the champion, as a promotion does."""
    registry = Registry(root)
    digest = registry.add(bundle(root, content))
    kept = registry.write(
        Record(
            service,
            "promoted" if act == "promote" else "done",
            f"plan {content} wins",
            act=act,  # type: ignore[arg-type]
            stage=stage,
            plan=f"plan-{content}",
            tasks={"intent": "one"},
            bundles={"one": digest},
            scores={"intent": {"accuracy": 0.5 + len(content) / 100}},
            heldout={"intent": "e" * 64},
            replaces=registry.pointed(service, stage),
            who="tester",
            time="2026-01-02T03:04:05+00:00",
        )
    )
    if point and act != "publish":
        registry.point(kept)
    return kept


def draft(record: Record, consent: str = "") -> Record:
    """The same plan, proposed again."""
    return Record(
        record.service,
        "refused",
        "",
        stage=record.stage,
        plan=record.plan,
        tasks=record.tasks,
        bundles=record.bundles,
        consent=consent,
    )


def contents(root: Path) -> dict[str, bytes]:
    """All that the registry holds."""
    folder = Registry(root).folder
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


def flip(path: Path, at: int = 5, bit: int = 0) -> None:
    """Flip one bit of a file, whose size, times and permissions stay, as a failing disk does."""
    before = path.stat()
    path.chmod(0o644)
    content = bytearray(path.read_bytes())
    content[at] ^= 1 << bit
    with path.open("r+b") as stream:
        stream.write(content)
    path.chmod(before.st_mode)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
