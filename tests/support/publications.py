"""A small project with a champion, a git remote and a DVC remote."""

import subprocess
from pathlib import Path

import production
import projects
from plait.plans.promotion import promote

SERVICE = "assistant"


def git(folder: Path, *arguments: str) -> str:
    """What git prints."""
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def published_project(folder: Path) -> Path:
    """A project in `folder`/project whose champion can be published; remotes lie beside it."""
    root = projects.make(folder / "project", {})
    production.measure(root)
    git(folder, "-c", "init.defaultBranch=main", "init", "--bare", "-q", "shared.git")
    git(root, "remote", "add", "origin", str(folder / "shared.git"))
    projects.dvc(root, "remote", "add", "--default", "store", str(folder / "store"))
    git(root, "config", "user.name", "An Engineer")
    git(root, "config", "user.email", "engineer@example.org")
    ignored = ("models", "predictions", "inputs", "heldout", "confusions", "weights", "flows")
    (root / ".gitignore").write_text("".join(f"/{name}\n" for name in (".plait", *ignored)))
    git(root, "add", ".")
    git(root, "commit", "-qm", "A project")
    git(root, "push", "-q", "origin", "HEAD")
    promote(production.experiment(), root)
    return root


def whole(root: Path, store: Path, commit: str) -> bool:
    """Whether all files of a publication are in the DVC remote."""
    import yaml

    from plait.files import read_json

    pointer = yaml.safe_load(git(root, "show", f"{commit}:published/{SERVICE}.dvc"))["outs"][0]
    files = store / "files" / "md5"

    def there(md5: str) -> Path:
        return files / md5[:2] / md5[2:]

    listing = there(pointer["md5"])
    return listing.is_file() and all(there(e["md5"]).is_file() for e in read_json(listing))
