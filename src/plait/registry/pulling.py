"""Pull a published champion: from the git remote's tags and the DVC remote into this registry."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from plait.errors import PlaitError, did_you_mean
from plait.registry.acts import champions_stay
from plait.registry.git import git, remote
from plait.registry.holds import same_plan
from plait.registry.origin import stamp
from plait.registry.packages import alone, keep_card
from plait.registry.records import Record, Stage, write_record
from plait.registry.store import Registry
from plait.registry.tags import GTO_STAGES, fetch_tags, versions
from plait.registry.unpacking import history, unpack


def pull(
    root: Path, service: str, version: str | None = None, stage: Stage = "production"
) -> Record:
    """Make a published plan the champion of `stage` here.

    Into a registry without acts on the service the published history comes, too. The pull itself
    becomes a record. Bundles come before the record, the record before the pointer.

    Args:
        version: such as `v1.2.0`; without it, what is published for the stage.

    Returns:
        the record of the pull, or the champion's where it serves the same plan already.

    Raises:
        PlaitError: nothing such is published, git or the remote fail, or the package was altered.
    """
    registry = Registry(root)
    with champions_stay(registry, f"plait pull {service}"), alone(registry) as scratch:
        if shared := remote(root):
            fetch_tags(root, shared, service)
        _download(root, service, version, stage, scratch / "package")
        record, bundles = unpack(scratch / "package")
        acts = history(scratch / "package")
        with registry.lock():
            return _bring_in(registry, root, stage, record, list(bundles.values()), acts)


def _download(root: Path, service: str, version: str | None, stage: Stage, to: Path) -> None:
    from dvc.exceptions import ArtifactNotFoundError, DvcException
    from dvc.repo import Repo

    try:
        with Repo(str(root)) as repo:
            repo.artifacts.download(
                service, version=version, stage=None if version else GTO_STAGES[stage], out=str(to)
            )
    except ArtifactNotFoundError as error:
        raise PlaitError(_unknown(root, service, version, stage)) from error
    except (DvcException, OSError) as error:
        raise PlaitError(
            f"{service}: the published package could not be fetched from the DVC remote ({error}). "
            "Check `dvc remote list` and its access, and pull again."
        ) from error


def _unknown(root: Path, service: str, version: str | None, stage: Stage) -> str:
    known = versions(root, service)
    if not known:
        services = {tag.partition("@")[0] for tag in git(root, "tag", "--list", "*@v*").split()}
        return f"{service}: no such service is published{did_you_mean(service, sorted(services))}"
    what = f"version {version}" if version else f"stage {stage}"
    return f"{service}: nothing is published for {what}; versions: {', '.join(sorted(known))}"


def _bring_in(
    registry: Registry,
    root: Path,
    stage: Stage,
    record: Record,
    bundles: Sequence[Path],
    acts: Sequence[Record],
) -> Record:
    champion = _readable_champion(registry, record.service, stage)
    if (
        champion
        and same_plan(champion, record)
        and all(map(registry.intact, champion.bundles.values()))
    ):
        return champion
    for folder in bundles:
        registry.add(folder)
    if not registry.numbers(record.service):
        for act in acts:
            write_record(registry.path(act.service, act.number), act)
    kept = registry.write(
        replace(
            record,
            act="pull",
            outcome="done",
            stage=stage,
            reason=f"Pulled record {record.number} of {record.who}, {record.time}: {record.reason}",
            restores=None,
            replaces=registry.pointed(record.service, stage),
            **{**stamp(root), "source": record.source},
        )
    )
    keep_card(registry, kept)
    registry.point(kept)
    return kept


def _readable_champion(registry: Registry, service: str, stage: Stage) -> Record | None:
    """The champion; None where pointer or record are damaged, which a pull then replaces."""
    try:
        return registry.champion(service, stage)
    except PlaitError:
        return None
