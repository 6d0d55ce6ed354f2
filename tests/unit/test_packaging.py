"""Promises about what is shipped: the wheel has all that the checkout has, and installs where there is no network."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from mls_tui.ui.resources import styles_path

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as a user would get it; hatchling is asked directly, so that nothing is downloaded."""
    folder = tmp_path_factory.mktemp("dist")
    build = f"import hatchling.build as b; print(b.build_wheel({str(folder)!r}))"
    name = subprocess.run([sys.executable, "-c", build], cwd=ROOT, check=True, capture_output=True, text=True)
    return folder / name.stdout.splitlines()[-1]


def test_the_checkout_finds_its_stylesheet() -> None:
    assert styles_path() == ROOT / "styles.tcss"
    assert styles_path().is_file()


def test_the_wheel_finds_its_stylesheet_far_from_the_checkout(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    ask = "import mls_tui.ui.resources as r; print(r.styles_path())"
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r}); {ask}"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    )
    found = Path(done.stdout.strip())
    assert found == tmp_path / "site" / "mls_tui" / "styles.tcss"
    assert found.read_bytes() == (ROOT / "styles.tcss").read_bytes()


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {name.split("/")[0].split("-")[0] for name in names} == {"mls_tui"}
    assert "mls_tui/py.typed" in names
    assert any(name.endswith("entry_points.txt") for name in names)
    assert any(name.endswith("licenses/LICENSE") for name in names)
    to_deploy = ("template.yaml", "Dockerfile", "Dockerfile.dockerignore")
    assert {f"mls_tui/deploy/{name}" for name in to_deploy} <= set(names)
    shipped = {name for name in names if name.endswith(".py")}
    assert shipped == {str(path.relative_to(ROOT)) for path in (ROOT / "mls_tui").rglob("*.py")}


def test_the_lock_file_names_public_addresses_only_and_every_dependency() -> None:
    locked = tomllib.loads((ROOT / "uv.lock").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    addresses = [
        file["url"]
        for package in locked["package"]
        for file in (package.get("sdist"), *package.get("wheels", ()))
        if file
    ]
    assert len(addresses) > 100
    assert all(address.startswith("https://files.pythonhosted.org/") for address in addresses)
    sources = [package["source"] for package in locked["package"] if package["name"] != project["name"]]
    assert all(source == {"registry": "https://pypi.org/simple"} for source in sources)
    names = {package["name"] for package in locked["package"]}
    wanted = [
        *project["dependencies"],
        *(line for lines in project["optional-dependencies"].values() for line in lines),
    ]
    assert {line.split(">")[0].split("[")[0].lower() for line in wanted} <= names
