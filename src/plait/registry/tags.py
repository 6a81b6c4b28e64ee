"""GTO's tags of a service: versions `SERVICE@vX.Y.Z`, and stages `SERVICE#prod#N`."""

from pathlib import Path

from plait.errors import PlaitError
from plait.registry.git import git
from plait.registry.records import Stage

GTO_STAGES: dict[Stage, str] = {"production": "prod", "staging": "staging"}
FIRST = "v1.0.0"


def tags(root: Path, service: str) -> list[str]:
    """All tags of a service."""
    return git(root, "for-each-ref", "--format=%(refname:strip=2)", *_patterns(service)).split()


def _patterns(service: str) -> tuple[str, str]:
    return f"refs/tags/{service}@*", f"refs/tags/{service}#*"


def commit_of(root: Path, tag: str) -> str:
    """The commit that a tag names."""
    return git(root, "rev-parse", f"refs/tags/{tag}^{{commit}}")


def versions(root: Path, service: str) -> dict[str, str]:
    """Version → its commit."""
    found = [tag for tag in tags(root, service) if tag.startswith(f"{service}@v")]
    return {tag.partition("@")[2]: commit_of(root, tag) for tag in found}


def version_of(root: Path, service: str, commit: str) -> str | None:
    """The version of a commit."""
    return next((v for v, other in versions(root, service).items() if other == commit), None)


def stage_tag(root: Path, service: str, stage: Stage) -> str | None:
    """The tag that says what is at a stage: the one with the highest number."""
    head = f"{service}#{GTO_STAGES[stage]}#"
    found = (tag.removeprefix(head) for tag in tags(root, service) if tag.startswith(head))
    numbers = [int(number) for number in found if number.isdigit()]
    return f"{head}{max(numbers)}" if numbers else None


def add_tags(root: Path, service: str, commit: str, stage: Stage, why: str) -> tuple[str, str]:
    """Tag a commit with a version, unless it has one, and with a stage, unless it is there.

    Returns:
        the tags of version and stage.

    Raises:
        PlaitError: GTO refuses; then no tag was added.
    """
    from gto.api import assign, register
    from gto.exceptions import GTOException

    before = tags(root, service)
    try:
        if version_of(root, service, commit) is None:
            bump = {"bump_minor": True} if versions(root, service) else {"version": FIRST}
            register(str(root), service, commit, message=why, **bump)
        version = str(version_of(root, service, commit))
        last = stage_tag(root, service, stage)
        if last is None or commit_of(root, last) != commit:
            assign(str(root), service, GTO_STAGES[stage], version=version, message=why)
    except GTOException as error:
        remove_tags(root, set(tags(root, service)) - set(before))
        raise PlaitError(f"the tags of {service}: {error}. Nothing was tagged.") from error
    return f"{service}@{version}", str(stage_tag(root, service, stage))


def remove_tags(root: Path, found: set[str]) -> None:
    """Remove tags from this repository."""
    if found:
        git(root, "tag", "--delete", *sorted(found))


def fetch_tags(root: Path, shared: str, service: str) -> None:
    """Bring a service's tags from the git remote, with their commits.

    Raises:
        PlaitError: the remote can't be reached.
    """
    patterns = [f"+{pattern}:{pattern}" for pattern in _patterns(service)]
    git(root, "fetch", "--quiet", "--no-tags", shared, *patterns)


def push_tags(root: Path, shared: str, names: tuple[str, ...]) -> None:
    """Bring tags to the git remote, all or none.

    Raises:
        PlaitError: the remote can't be reached or refuses them.
    """
    git(root, "push", "--atomic", "--quiet", shared, *(f"refs/tags/{name}" for name in names))
