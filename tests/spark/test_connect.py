"""A session of Spark Connect gives what a classic one gives."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from engines import needed
from spark_rows import connection

import ppp_duck

pytestmark = pytest.mark.spark


def test_on_connect(tmp_path: Path) -> None:
    needed("spark")
    if importlib.util.find_spec("grpc") is None:
        pytest.skip("the client of Spark Connect is not here: pip install 'pyspark[connect]'")
    with connection(tmp_path, ("types",)) as con:
        call = [
            sys.executable,
            str(Path(__file__).parent / "connect_process.py"),
            f"{tmp_path}/types.parquet",
            str(tmp_path),
        ]
        done = subprocess.run(
            call, env={**os.environ, "PYSPARK_PYTHON": sys.executable}, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr[-3000:]
        said = json.loads(done.stdout.splitlines()[-1])
        model = ppp_duck.fit(con, "types", columns=["x", "city", "day"], k=3)
        wanted = [list(row) for row in model.predict(con, "types").select("id, cluster_id").order("id").fetchall()]
        assert said["fingerprint"] == model.fingerprint
        assert said["ids"] == said["transformed"] == wanted
        assert said["groups"] == list(ppp_duck.fit(con, "types", columns=["x"], by=["year"], k=2).fingerprint)
        assert said["stored"]
