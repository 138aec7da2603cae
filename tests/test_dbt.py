"""The example project of dbt, built by the real dbt."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

ROOT = Path(__file__).parents[1]
PROJECT = ROOT / "examples" / "dbt"
HERE = all(importlib.util.find_spec(name) for name in ("dbt", "dbt.adapters", "dbt.adapters.duckdb"))

pytestmark = [
    pytest.mark.doors,
    pytest.mark.skipif(not HERE, reason="dbt is not here: make test-doors has it"),
]


def dbt(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from dbt.cli.main import cli; cli()", *arguments, "--profiles-dir", "."],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def read(folder: Path, query: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(folder / "shop.duckdb")) as con:
        return con.execute(query).fetchall()


def test_the_project_builds_and_scores_every_night(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(PROJECT, tmp_path / "a shop"))
    built = dbt(folder, "build")
    assert built.returncode == 0, built.stdout
    sizes = "SELECT cluster_id, count(*), count(reason) FROM {} GROUP BY ALL ORDER BY ALL"
    assert read(folder, sizes.format("scored")) == [(0, 87, 0), (1, 45, 0), (2, 15, 0), (None, 3, 3)]
    differ = "SELECT count(*) FROM scored JOIN clustered c USING (customer) WHERE scored.cluster_id IS DISTINCT FROM c.cluster_id"
    assert read(folder, differ) == [(0,)]
    model = read(folder, "FROM segments ORDER BY ALL")

    with (folder / "seeds" / "registered.csv").open("a", encoding="utf-8") as file:
        file.write("151,Bari\n")
    with (folder / "seeds" / "orders.csv").open("a", encoding="utf-8") as file:
        file.writelines(f"151,2026-03-0{day},{600 + day},false\n" for day in range(1, 9))
    night = dbt(folder, "build", "--exclude", "tag:fit")
    assert night.returncode == 0, night.stdout
    assert read(folder, "FROM segments ORDER BY ALL") == model
    assert read(folder, "SELECT cluster_id FROM scored WHERE customer = 151") == [(2,)]

    strict = dbt(folder, "test", "--vars", "{most_without_id: 0.01}")
    assert strict.returncode == 1
    assert "Failure in test share_without_id" in strict.stdout


def test_seeds_are_what_their_script_writes(tmp_path: Path) -> None:
    code = (PROJECT / "make_seeds.py").read_text(encoding="utf-8")
    names: dict[str, object] = {"__name__": "make_seeds", "__file__": str(PROJECT / "make_seeds.py")}
    exec(compile(code, "make_seeds.py", "exec"), names)
    names["main"](tmp_path)  # type: ignore[operator]
    for made in sorted(tmp_path.iterdir()):
        assert made.read_bytes() == (PROJECT / "seeds" / made.name).read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in (PROJECT / "seeds").iterdir()}
