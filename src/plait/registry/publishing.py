"""Publish a service's champion: weights to the DVC remote first, then the commit, tags last.

A publication is a commit on no branch, on top of HEAD, with `published/SERVICE.dvc` (the package,
`plait.registry.packages`) and an entry under `artifacts` in dvc.yaml. GTO's tags name it: a version
`SERVICE@vX.Y.Z`, and a stage `SERVICE#prod#N` or `SERVICE#staging#N`. So `dvc artifacts get REPO
SERVICE --stage prod` works for anyone who has git and the remote. Neither the working tree nor a
branch changes. A publication that stops halfway leaves no tag without weights; publishing again
completes it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from plait.errors import PlaitError
from plait.registry.acts import champions_stay
from plait.registry.git import ask, commit_files, git, remote
from plait.registry.origin import stamp
from plait.registry.packages import alone, pack
from plait.registry.records import Record, Stage
from plait.registry.store import Registry
from plait.registry.tags import (
    add_tags,
    fetch_tags,
    push_tags,
    remove_tags,
    tags,
    versions,
)

if TYPE_CHECKING:
    from dvc.repo import Repo

FOLDER = "published"
TRAILER = "Plait-record"
"""The line of a publication's commit message that has the seal of its record."""
Say = Callable[[str], None]
Tags = tuple[str, str]
"""The tags of version and stage."""


@dataclass(frozen=True)
class Publication:
    """What was published: its record, the tags of version and stage, and the git remote, if any."""

    record: Record
    commit: str
    tags: Tags
    shared: str | None


def publish(
    root: Path,
    service: str | None,
    stage: Stage = "production",
    push: bool = True,
    say: Say = lambda _: None,
) -> Publication:
    """Publish the champion of a service at a stage; what is done already is not done again.

    Args:
        push: whether the tags go to the git remote, too, if there is one.
        say: is told each step.

    Raises:
        PlaitError: no champion, an altered bundle, no DVC remote, no commit yet, git doesn't know
            who commits, or a push fails: then there is no tag.
    """
    registry = Registry(root)
    record = registry.require(service, stage)
    _check(root, record.service)
    shared = remote(root) if push else None
    with champions_stay(registry, f"plait publish {record.service}"):
        with alone(registry) as scratch, _dvc(root) as repo:
            if shared:
                fetch_tags(root, shared, record.service)
            commit = _published(root, record) or _commit(root, repo, registry, record, scratch)
            say(f"Weights of record {record.number} go to the DVC remote")
            _push_weights(repo, record.service, commit)
            made = _tag(root, record, commit, stage, shared)
        kept = _record(registry, root, record, made, commit)
    return Publication(kept, commit, made, shared)


def _check(root: Path, service: str) -> None:
    """Everything that would stop a publication halfway."""
    from gto.constants import name_re

    top = git(root, "rev-parse", "--show-toplevel")
    if Path(top).resolve() != root.resolve():
        raise PlaitError(
            f"{root}: a project in a subfolder of the git repository {top} can't be published: "
            "GTO's tags name services of the top folder. Give it a repository of its own."
        )
    if not name_re.search(service):
        raise PlaitError(
            f"services.{service}: found a name that GTO can't use in tags, expected letters, "
            "digits, - and _. Rename the service."
        )
    if ask(root, "rev-parse", "--verify", "HEAD") is None:
        raise PlaitError(
            f"{root}: no commit yet. Commit the project first: `git add . && git commit`."
        )
    if ask(root, "var", "GIT_COMMITTER_IDENT") is None:
        raise PlaitError(
            "git: it doesn't know who commits and tags. Tell it: `git config user.name NAME` and "
            "`git config user.email ADDRESS`."
        )


@contextmanager
def _dvc(root: Path) -> Iterator["Repo"]:
    from dvc.repo import Repo

    with Repo(str(root)) as repo:
        if not repo.config["core"].get("remote"):
            raise PlaitError(
                f"{root / '.dvc/config'}: found no default remote, expected one to publish to. "
                "Name one: `dvc remote add --default store /some/folder`, and commit .dvc/config."
            )
        yield repo


def _published(root: Path, record: Record) -> str | None:
    """The commit that publishes a record already, if there is one."""
    for commit in versions(root, record.service).values():
        if f"{TRAILER}: {record.seal}" in git(root, "show", "-s", "--format=%B", commit):
            return commit
    return None


def _commit(root: Path, repo: "Repo", registry: Registry, record: Record, scratch: Path) -> str:
    service = record.service
    entry = _cache(repo, registry, record, scratch)
    pointer = yaml.safe_dump({"outs": [{**entry, "path": service}]}, sort_keys=False)
    message = (
        f"Publish {service}: plan {record.plan}\n\n{record.reason}\n\n{TRAILER}: {record.seal}\n"
    )
    files = {
        f"{FOLDER}/{service}.dvc": pointer.encode(),
        f"{FOLDER}/.gitignore": f"/{service}\n".encode(),
        "dvc.yaml": _with_artifact(git(root, "show", "HEAD:dvc.yaml"), service).encode(),
    }
    return commit_files(root, files, message)


def _cache(repo: "Repo", registry: Registry, record: Record, scratch: Path) -> dict[str, Any]:
    """Put a record's package into DVC's cache; how a .dvc file names it."""
    from dvc.fs import localfs
    from dvc_data.hashfile.build import build
    from dvc_data.hashfile.transfer import transfer

    pack(registry, record, scratch / record.service)
    cache = repo.cache.local
    staging, meta, tree = build(cache, str(scratch / record.service), localfs, "md5")
    transfer(staging, cache, {tree.hash_info}, shallow=False)
    return {
        "md5": tree.hash_info.value,
        "size": meta.size,
        "nfiles": meta.nfiles,
        "hash": "md5",
    }


def _with_artifact(text: str, service: str) -> str:
    """dvc.yaml with the service among its artifacts, its comments kept."""
    from dvc.utils.serialize import dumps_yaml, parse_yaml_for_update

    value = parse_yaml_for_update(text, "dvc.yaml")
    entry = {"path": f"{FOLDER}/{service}", "type": "model", "labels": ["plait"]}
    value.setdefault("artifacts", {})[service] = entry
    return str(dumps_yaml(value))


def _push_weights(repo: "Repo", service: str, commit: str) -> None:
    from dvc.exceptions import DvcException

    try:
        repo.push(targets=[f"{FOLDER}/{service}.dvc"], revs=[commit], workspace=False)
    except (DvcException, OSError) as error:
        raise PlaitError(
            f"the DVC remote: the weights could not be pushed ({error}). Nothing was tagged. "
            "Mend the remote (`dvc push` shows more) and publish again."
        ) from error


def _tag(root: Path, record: Record, commit: str, stage: Stage, shared: str | None) -> Tags:
    """Tag a commit, here and at the git remote; where that fails, nowhere."""
    before = tags(root, record.service)
    made = add_tags(root, record.service, commit, stage, record.reason)
    try:
        if shared:
            push_tags(root, shared, made)
    except PlaitError as error:
        remove_tags(root, set(made) - set(before))
        raise PlaitError(f"{error}. The tags made here are removed; publish again.") from error
    return made


def _record(registry: Registry, root: Path, record: Record, made: Tags, commit: str) -> Record:
    """Keep the act: who published which record as what."""
    published = {"tags": list(made), "commit": commit}
    origin = {**stamp(root), "source": {**record.source, "published": published}}
    kept = replace(
        record,
        act="publish",
        outcome="done",
        reason=f"Record {record.number} was published as {' and '.join(made)}.",
        restores=record.number,
        replaces=None,
        **origin,
    )
    with registry.lock():
        return _once(registry, kept)


def _once(registry: Registry, kept: Record) -> Record:
    for number in reversed(registry.numbers(kept.service)):
        other = registry.record(kept.service, number)
        if other.act == "publish" and kept.says_the_same_as(other):
            return other
    return registry.write(kept)
