"""The documents: what code and tests cite exists, and so does what the pages link to."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.feed_table import feed_cases

ROOT = Path(__file__).parent.parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
PAGES_BY_NAME = {page.name: page.read_text(encoding="utf-8") for page in PAGES}
CITATION = re.compile(r"docs/([\w-]+\.md)(?:[\s#]*,\s+(?:#\s*)?section\s+\"?(Command\s+line|\w+))?")


def _sources() -> Iterator[Path]:
    for folder in ("mls_tui", "tests"):
        yield from (path for path in (ROOT / folder).rglob("*.py") if path != Path(__file__))


def _sections(page: Path) -> set[str]:
    titles = re.findall(r"^##+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {part for title in titles for part in (title, title.partition(".")[0])}


def test_every_section_that_code_or_tests_cite_exists() -> None:
    cited = [
        (path, page, " ".join(section.split()))
        for path in _sources()
        for page, section in CITATION.findall(path.read_text(encoding="utf-8"))
    ]
    assert isinstance(cited, list)
    missing = []
    for path, page, section in cited:
        file = ROOT / "docs" / page
        if not file.is_file() or (section and section not in _sections(file)):
            missing.append(f"{path.relative_to(ROOT)}: docs/{page}, section {section}")
    assert missing == []


def test_every_section_about_feeds_has_tests_of_its_cases() -> None:
    sections = {int(found) for found in re.findall(r"^## (\d)\.", PAGES_BY_NAME["reso-feeds.md"], re.MULTILINE)}
    counted = Counter(section for section, _ in feed_cases())
    assert {section for section in sections if counted[section] < 5} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_or_section_leads_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    dead = []
    for target in re.findall(r"\]\(([^)#\s]*(?:#[\w-]+)?)\)", text):
        file, _, anchor = target.partition("#")
        if file.startswith(("http:", "https:")):
            continue
        there = (page.parent / file).resolve() if file else page
        if not there.exists() or (anchor and anchor not in _anchors(there)):
            dead.append(target)
    assert dead == []


def _anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
