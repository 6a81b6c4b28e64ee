"""What a check found, and what that says of a backbone with an approach."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

SEVERAL = "several labels"


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    Attributes:
        language: of the texts; empty where the check speaks for all; `SEVERAL` where it is about
            a task of several labels.
    """

    check: str
    passed: bool
    found: str
    expected: str
    language: str = ""

    def __str__(self) -> str:
        where = f" ({self.language})" if self.language else ""
        return f"{self.check}{where}: found {self.found}, expected {self.expected}"


def within(check: str, found: float, most: float, what: str, language: str = "") -> Finding:
    """A finding that a difference is small enough; not so where it is no number."""
    return Finding(check, found <= most, f"{what} {found:.2g}", f"at most {most:g}", language)


def reached(check: str, found: float, least: float, what: str, language: str = "") -> Finding:
    """A finding that a score is high enough."""
    return Finding(check, found >= least, f"{what} {found:.3f}", f"at least {least:g}", language)


def none_of(check: str, wrong: Iterable[str], count: int, language: str = "") -> Finding:
    """A finding that nothing is wrong in `count` cases; names the first that is."""
    wrongs = list(wrong)
    found = f"{len(wrongs)} of {count} wrong" + (f", first {wrongs[0]}" if wrongs else "")
    return Finding(check, not wrongs, found, "none", language)


@dataclass
class Verdict:
    """All findings of one approach with one backbone, or why plait refuses the two.

    Attributes:
        refusal: the message of plait's refusal; None where it was tried.
    """

    approach: str
    findings: list[Finding] = field(default_factory=list)
    refusal: str | None = None

    def failures(self, language: str | None = None) -> Iterator[Finding]:
        """Checks that failed, those for all languages first; of one language, if it is named."""
        for each in sorted(self.findings, key=lambda finding: bool(finding.language)):
            if not each.passed and (language is None or each.language in ("", language)):
                yield each

    def fits(self, language: str | None = None) -> bool:
        """Whether no check failed, in any language or in the one named."""
        return self.refusal is None and next(self.failures(language), None) is None

    def tried(self, language: str) -> bool:
        """Whether a check is about it: results of an earlier version may lack it."""
        return any(each.language == language for each in self.findings)

    def summary(self, language: str) -> str:
        """`fits`, `refused`, `not run`, or the names of the checks that failed."""
        if self.refusal is not None:
            return "refused"
        if not self.tried(language) and language == SEVERAL:
            return "not run"
        return ", ".join(dict.fromkeys(f.check for f in self.failures(language))) or "fits"

    def __str__(self) -> str:
        lines = [f"refused: {self.refusal}"] if self.refusal else map(str, self.failures())
        return "\n".join(lines) or "fits"
