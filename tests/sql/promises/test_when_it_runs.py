"""Nothing is read or fitted before the statement runs."""

from __future__ import annotations

import duckdb
import pytest

from ppp_duck.models import table
from ppp_duck.running import slices


def test_explain_describe_prepare_and_create_view_do_not_fit(
    con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    fits = []
    real = slices.fit_groups
    monkeypatch.setattr(slices, "fit_groups", lambda *a: fits.append(1) or real(*a), raising=True)
    for statement in ("EXPLAIN {}", "DESCRIBE {}", "PREPARE p AS {}", "CREATE VIEW v AS {}", "DESCRIBE v"):
        con.execute(statement.format("FROM ppp_cluster('blobs', output := 'full')")).fetchall()
        assert not fits, statement
    con.execute("EXECUTE p").fetchall()
    assert len(fits) == 1
    con.execute("SELECT * FROM v WHERE probability > 0.5 AND cluster_id = 1").fetchall()
    assert len(fits) == 2


STATEMENTS = [
    "fit('blobs', k := 2)", "separable('blobs', k := 2, sample_size := 50, refine := 1)", "predict('blobs', model := 'seg')",
    "outliers('blobs', model := 'seg')", "evaluate('blobs', model := 'seg')", "profile('blobs', model := 'seg')",
    "centers('seg')", "trials('seg')", "info('seg')", "compare('seg', a := 0)", "match('seg', 'seg', 'blobs')",
]  # fmt: skip


@pytest.mark.parametrize("call", STATEMENTS)
def test_nothing_is_read_or_fitted_before_the_statement_runs(
    con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    con.execute("CREATE TABLE seg AS FROM ppp_fit('blobs', k := 2, covariance := 'diag')").fetchall()
    work = []
    fit, read = slices.fit_groups, table.from_rows
    monkeypatch.setattr(slices, "fit_groups", lambda *a: work.append(1) or fit(*a))
    monkeypatch.setattr(table, "from_rows", lambda *a: work.append(1) or read(*a))
    for text in ("EXPLAIN {}", "DESCRIBE {}", "PREPARE p AS {}", "CREATE VIEW v AS {}", "DESCRIBE v"):
        con.execute(text.format(f"FROM ppp_{call}")).fetchall()
        assert not work, text
    rows = con.execute("EXECUTE p").fetchall()
    assert work
    assert con.execute("FROM v").fetchall() == rows
    con.execute(f"CREATE TABLE kept AS FROM ppp_{call}").fetchall()
    assert con.execute("FROM kept").fetchall() == rows
