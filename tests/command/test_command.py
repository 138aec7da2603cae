"""The command line as people run it: the real program, in a process of its own."""

from __future__ import annotations

import gzip
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import BLOBS

import ppp_duck
import ppp_duck.command
from ppp_duck.binding.options import ARGUMENTS, READING, TABLE
from ppp_duck.command.arguments import COMMANDS, OWN_NAMES, call, parser
from ppp_duck.command.program import main

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(ppp_duck.__file__).parents[1]), "COLUMNS": "80"}
PROGRAM = [sys.executable, "-m", "ppp_duck"]
SLOW = "SELECT i % 2 * 9 + random() AS a, random() AS b, random() AS c, random() AS d FROM range(60000) r(i)"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the blobs in every form."""
    path = tmp_path_factory.mktemp("shell")
    with duckdb.connect(str(path / "warehouse.duckdb")) as con:
        con.execute(f'CREATE TABLE "my ""blobs"" (old)" AS {BLOBS}').fetchall()
        con.execute(f"CREATE TABLE blobs AS {BLOBS}").fetchall()
        for name in ("blobs.csv", "blobs.parquet", "blobs.json", "it's; DROP TABLE blobs.csv"):
            con.execute(f"COPY blobs TO '{path / name.replace(chr(39), chr(39) * 2)}'").fetchall()
        con.execute(f"COPY (SELECT *, 7 AS cluster_id FROM blobs) TO '{path / 'clustered.csv'}'").fetchall()
    ppp_duck.connect().execute(f"COPY (FROM ppp_fit('{path / 'blobs.csv'}', columns := ['x'])) TO '{path / 'one.csv'}'")
    (path / "latin.csv").write_bytes("n\xe4me;x\nM\xfcller;1\n".encode("latin-1"))
    (path / "broken.parquet").write_bytes(b"PAR1 and nothing more")
    (path / "blobs.dat").write_text("x\n1\n")
    return path


def run(folder: Path, *arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*PROGRAM, *arguments], cwd=folder, env=ENVIRONMENT, input=given, capture_output=True, timeout=120, check=False
    )


def ids(text: bytes | str) -> list[tuple[int, int]]:
    """How many rows of a CSV each cluster has."""
    lines = (text.decode() if isinstance(text, bytes) else text).splitlines()
    place = lines[0].split(",").index("cluster_id")
    found = [int(line.split(",")[place]) for line in lines[1:]]
    return sorted((one, found.count(one)) for one in set(found))


SIZES = [(0, 60), (1, 50), (2, 40)]


def test_a_csv_file_into_a_pipe(folder: Path) -> None:
    done = run(folder, "cluster", "blobs.csv", "--columns", "x,y", "--k", "3")
    assert (done.returncode, done.stderr) == (0, b"")
    con = ppp_duck.connect()
    con.execute(f"CREATE TABLE blobs AS FROM '{folder / 'blobs.csv'}'").fetchall()
    expected = con.execute("FROM ppp_cluster('blobs', columns := ['x', 'y'], k := 3)").fetchall()
    header, *lines = done.stdout.decode().splitlines()
    assert header == "id,x,y,tree,cluster_id"
    assert sorted(lines) == sorted(",".join(map(str, row)) for row in expected)


def test_standard_input_and_a_model_in_a_parquet_file(folder: Path) -> None:
    given = (folder / "blobs.parquet").read_bytes()
    fitted = run(folder, "fit", "-", "-o", "seg.parquet", "--columns", "x", "--k", "3", given=given)
    assert (fitted.returncode, fitted.stdout, fitted.stderr) == (0, b"", b"")
    scored = run(folder, "predict", "-", "--model", "seg.parquet", given=(folder / "blobs.json").read_bytes())
    assert (scored.returncode, scored.stderr) == (0, b"")
    assert ids(scored.stdout) == SIZES


def test_a_table_of_a_database_that_stays_as_it_is(folder: Path) -> None:
    before = (folder / "warehouse.duckdb").read_bytes()
    with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True):  # two may read at once
        done = run(
            folder, "cluster", 'main."my ""blobs"" (old)"', "--db", "warehouse.duckdb", "--k", "3", "-o", "out.json"
        )
    assert (done.returncode, done.stderr) == (0, b"")
    rows = [json.loads(line) for line in (folder / "out.json").read_text().splitlines()]
    assert sorted({row["cluster_id"] for row in rows}) == [0, 1, 2]
    assert len(rows) == 150
    assert (folder / "warehouse.duckdb").read_bytes() == before
    assert not list(folder.glob("tmp_*"))


def test_a_reader_that_has_enough(folder: Path) -> None:
    query = f'{" ".join(PROGRAM)} sql "FROM range(3000000)" | head -n 2; echo ${{PIPESTATUS[0]}}'
    done = subprocess.run(["bash", "-c", query], cwd=folder, env=ENVIRONMENT, capture_output=True, check=True)
    assert done.stdout.decode().split() == ["range", "0", "0"]
    assert done.stderr == b""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["cluster", "blob.csv"], "check the path: there is no file blob.csv; did you mean blobs.csv?"),
        (["cluster", "/"], "name a file, or files such as /*.csv: / is a folder"),
        (["cluster", "blobs.csv", "-o", "nowhere/x.csv"], "check the path of -o: there is no folder nowhere"),
        (["report", "blobs.csv", "-o", "nowhere/x.html"], "check the path of -o: there is no folder nowhere"),
        (["report", "blobs.csv", "-o", "."], "give -o the name of a file: . is a folder"),
        (["sql", "-f", "nowhere.sql"], "check the path of -f: nowhere.sql cannot be read (No such file or directory)"),
        (["cluster", "blobs.csv", "--columns", "xx"], 'no column "xx" in blobs.csv; it has "id", "x", "y", "tree"; did you mean "x"?'),
        (["cluster", "blobs.csv", "--scale", "standart"],
         "set --scale to 'auto', 'standard', 'robust', 'log' or 'none', not 'standart'; did you mean 'standard'?"),
    ],
)  # fmt: skip
def test_what_the_caller_can_mend_is_a_line_and_2(folder: Path, arguments: list[str], message: str) -> None:
    done = run(folder, *arguments)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.decode() == f"ppp-duck: {message}\n"


def in_a_terminal(folder: Path, *arguments: str, stop: bytes = b"") -> tuple[int, str]:
    """Run with a terminal as standard output and error; Ctrl-C is typed when it has shown ``stop``."""
    outside, inside = pty.openpty()
    process = subprocess.Popen(
        [*PROGRAM, *arguments], cwd=folder, env=ENVIRONMENT, stdout=inside, stderr=inside, stdin=subprocess.DEVNULL
    )
    os.close(inside)
    shown, until = b"", time.monotonic() + 100
    while time.monotonic() < until:
        if select.select([outside], [], [], 0.2)[0]:
            try:
                shown += os.read(outside, 1 << 16)
            except OSError:  # Linux says so that the other end is closed
                break
        if stop and stop in shown:
            process.send_signal(signal.SIGINT)
            stop = b""
    os.close(outside)
    return process.wait(20), shown.decode()


def test_control_c_in_a_fit(folder: Path) -> None:
    begun = time.monotonic()
    code, shown = in_a_terminal(
        folder, "cluster", SLOW, "--k-max", "60", "-o", "stopped.csv", stop=b"ppp_cluster('the query')"
    )
    assert code == 130, shown
    assert "Traceback" not in shown
    assert time.monotonic() - begun < 60
    assert not (folder / "stopped.csv").exists()
    assert not list(folder.glob("tmp_*"))


@pytest.mark.parametrize(("module", "arguments"), [("duckdb", []), ("altair", ["report", "SELECT 1 AS x"])])
def test_control_c_while_python_imports(tmp_path: Path, module: str, arguments: list[str]) -> None:
    """A module that the package imports presses Ctrl-C."""
    (tmp_path / f"{module}.py").write_text("import signal\nsignal.raise_signal(signal.SIGINT)\nprint('went on')\n")
    path = os.pathsep.join([str(tmp_path), ENVIRONMENT["PYTHONPATH"]])
    done = subprocess.run(
        [*PROGRAM, *arguments], env={**ENVIRONMENT, "PYTHONPATH": path}, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")


@pytest.mark.parametrize("handler", [signal.default_int_handler, signal.SIG_IGN])
def test_a_command_hears_control_c_as_it_would_elsewhere(monkeypatch: pytest.MonkeyPatch, handler: Any) -> None:
    heard = []
    monkeypatch.setattr("ppp_duck.command.program.main", lambda: heard.append(signal.getsignal(signal.SIGINT)) or 7)
    before = signal.signal(signal.SIGINT, handler)
    try:
        assert ppp_duck.command.main() == 7
    finally:
        signal.signal(signal.SIGINT, before)
    assert heard == [handler]


def test_control_c_while_the_database_is_opened(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    """DuckDB on the main thread makes another error of it."""

    def opened(*_: object) -> None:
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
        with duckdb.connect(config={"threads": 1}) as con:
            con.execute("SELECT sum(i * i) FROM range(20000000000) r(i)").fetchall()

    monkeypatch.setattr("ppp_duck.command.program.open_database", opened)
    assert main(["sql", "SELECT 1"]) == 130
    assert capsys.readouterr() == ("", "")


def test_another_error_at_run_time_is_none_of_ctrl_c(monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(*_: object) -> None:
        raise RuntimeError("our own mistake")

    monkeypatch.setattr("ppp_duck.command.program.open_database", opened)
    with pytest.raises(RuntimeError, match="our own mistake"):
        main(["sql", "SELECT 1"])


def test_a_report_does_not_fill_a_terminal(folder: Path) -> None:
    code, shown = in_a_terminal(folder, "report", "blobs.csv")
    assert (code, shown) == (2, "ppp-duck: set -o to a file, such as -o report.html: a report is for a browser\r\n")


def test_what_was_left_out_is_told_in_words_of_the_shell(folder: Path) -> None:
    code, shown = in_a_terminal(folder, "fit", "blobs.csv", "-o", "told.parquet")
    assert code == 0
    line = next(line for line in shown.splitlines() if "left out" in line)
    assert "ppp-duck: blobs.csv: left out id (" in line
    assert line.endswith("; ppp-duck fit, and ppp-duck info, say it in full")


def test_a_table_at_a_terminal(folder: Path) -> None:
    code, shown = in_a_terminal(folder, "cluster", "SELECT * FROM 'blobs.csv' LIMIT 20", "--columns", "x")
    assert code == 0
    assert "│" in shown
    assert "cluster_id" in shown


# From here on in this process: a program takes a second to begin.


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(arguments)
    return code, *capsys.readouterr()


@pytest.fixture
def here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(folder)
    return folder


def test_every_option_has_its_flag(here: Path) -> None:
    for command, (function, _) in COMMANDS.items():
        source = ["seg"] if function else []
        needed = ["--model", "seg"] if function == "ppp_predict" else []
        found = vars(parser().parse_args([command, *source, *needed]))
        own = {"function", "command", "source", "db", "out", "format", "statement", "file"} | (
            {"model"} if command == "report" else set()
        )
        wanted = {OWN_NAMES.get(name, name) for name in ARGUMENTS.get(function, ())}
        assert set(found) - own == wanted
    every = {"columns": "x,y", "exclude": "id", "k": "3", "k_max": "9", "weight": "w", "scale": "log", "missing": "skip",
             "categorical": "onehot", "max_categories": "7", "covariance": "full", "separable_at": "0.9", "sample_size": "99",
             "refine": "2", "by": "tree", "output": "full", "prefix": "p_"}  # fmt: skip
    assert list(every) == [option.name for option in TABLE]
    for spelled in (lambda name: name.replace("_", "-"), lambda name: name):
        flags = [part for name, value in every.items() for part in (f"--{spelled(name)}", value)]
        found = vars(parser().parse_args(["cluster", "t", *flags]))
        assert call("ppp_cluster", "t", found) == (
            "FROM ppp_cluster('t', columns := ['x', 'y'], exclude := ['id'], k := 3, k_max := 9, weight := 'w', scale := 'log', "
            "missing := 'skip', categorical := 'onehot', max_categories := 7, covariance := 'full', "
            "separable_at := 0.9e0, sample_size := 99, refine := 2, by := ['tree'], output := 'full', prefix := 'p_')"
        )
    assert {option.name for option in READING} >= set(ARGUMENTS["ppp_predict"])


@pytest.mark.parametrize(
    "source", ["blobs.csv", "blobs.parquet", "blobs.json", "it's; DROP TABLE blobs.csv", "SELECT * FROM 'blobs.csv'"]
)
def test_every_kind_of_source(here: Path, capsys: pytest.CaptureFixture[str], source: str) -> None:
    code, out, err = said(capsys, "cluster", source, "--columns", "x", "--columns", "y", "--k", "3")
    assert (code, err) == (0, "")
    assert ids(out) == SIZES


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("o.csv", []), ("o.parquet", []), ("o.csv.gz", []), ("o.ndjson", []), ("o", ["--format", "parquet"])],
)
def test_every_format(here: Path, capsys: pytest.CaptureFixture[str], name: str, arguments: list[str]) -> None:
    (here / name).write_text("what was there before")
    assert said(capsys, "sql", "FROM 'blobs.csv'", "-o", name, *arguments) == (0, "", "")
    read = (
        "read_parquet"
        if name == "o"
        else "read_json"
        if name == "o.ndjson"
        else "read_csv"
        if "csv" in name
        else "read_parquet"
    )
    rows = "SELECT id, x, y, tree FROM {} ORDER BY id"
    assert duckdb.sql(rows.format(f"{read}('{name}')")).fetchall() == duckdb.sql(rows.format("'blobs.csv'")).fetchall()


def test_models_and_what_is_known_of_them(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        said(capsys, "fit", "blobs", "--db", "warehouse.duckdb", "--by", "tree", "--columns", "x", "-o", "by.csv")[0]
        == 0
    )
    code, out, _ = said(
        capsys, "predict", "blobs", "--db", "warehouse.duckdb", "--model", "by.csv", "--by", "tree", "--prefix", "p_"
    )
    assert (code, out.splitlines()[0]) == (0, "id,x,y,tree,p_cluster_id")
    code, out, _ = said(capsys, "info", "by.csv", "--format", "table")
    assert code == 0
    con = ppp_duck.connect()
    listed = con.execute(f"FROM ppp_info('{here / 'by.csv'}')").fetchall()
    assert listed[0][:2] == ("ash", "k")
    assert len(listed) > 20
    code, out, _ = said(capsys, "info", "by.csv")
    assert len(out.splitlines()) == len(listed) + 1
    said(capsys, "fit", "blobs.csv", "--columns", "x", "-o", "one.parquet")
    code, out, _ = said(capsys, "info", "one.parquet", "--format", "table")
    listed = con.execute(f"FROM ppp_info('{here / 'one.parquet'}')").fetchall()
    assert out.splitlines() == [f"{name}: {value}" for name, value in listed]


def test_a_model_as_a_table_is_for_people(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = said(capsys, "fit", "blobs.csv", "--columns", "x", "--k", "2", "--format", "table")
    assert (code, err) == (0, "")
    assert all(name in out for name in ("cluster_id", "size", "share", "agreement", "center"))
    assert "model" not in out


def test_sql_from_everywhere(here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    call = "SELECT cluster_id, count(*) AS n FROM ppp_cluster('blobs.csv', columns := ['x'], k := 3) GROUP BY ALL ORDER BY ALL; -- so"
    expected = (0, "cluster_id,n\n0,60\n1,50\n2,40\n", "")
    assert said(capsys, "sql", call) == expected
    (here / "query.sql").write_text(f"SET threads = 1;\n{call}\n")
    assert said(capsys, "sql", "-f", "query.sql") == expected
    for arguments in ([], ["-"]):
        with (here / "query.sql").open() as file:
            monkeypatch.setattr(sys, "stdin", file)
            assert said(capsys, "sql", *arguments) == expected
    assert said(capsys, "sql", "EXPLAIN FROM 'blobs.csv'")[0] == 0
    assert said(capsys, "sql", "SELECT 1 AS one", "--format", "json") == (0, '{"one":1}\n', "")


def test_sql_that_writes_opens_the_database_to_write(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written = said(
        capsys, "sql", "--db", "new.duckdb", "CREATE TABLE seg AS FROM ppp_fit('blobs.csv', columns := ['x'], k := 3)"
    )
    assert written == (0, "", "")
    code, out, err = said(capsys, "predict", "blobs.csv", "--db", "new.duckdb", "--model", "seg")
    assert (code, err) == (0, "")
    assert ids(out) == SIZES


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["cluster", "broken.parquet"], "broken.parquet"),
        (["cluster", "blobs.dat"], "end the name of blobs.dat with .csv, .parquet or .json, by what it is, or give it to standard input"),
        (["cluster", "blob", "--db", "warehouse.duckdb"], "name a file, or a table of --db: there is no table blob; did you mean blobs?"),
        (["cluster", "blobs"], "name a file, or a table of --db: there is no table blobs; did you mean blobs.csv?"),
        (["cluster", "DROP TABLE blobs", "--db", "warehouse.duckdb"], "make the source one SELECT, not DROP TABLE blobs"),
        (["cluster", "SELECT z FROM 'blobs.csv'"], 'Referenced column "z" not found'),
        (["cluster", "SELECT x, tree::INTEGER AS z FROM 'blobs.csv'"], "Could not convert string 'oak' to INT32 when casting from source column tree\n"),
        (["cluster", " "], "name a file, or a table of --db, not ' '"),
        (["cluster", "latin.csv"], "This file is not utf-8 encoded."),
        (["cluster", "blobs", "--db", "nowhere.duckdb"], "check --db: there is no file nowhere.duckdb"),
        (["cluster", "blobs", "--db", "blobs.csv"], "set --db to a DuckDB database, and name blobs.csv as the source: it is a file of rows"),
        (["cluster", "blobs.csv", "--k", "three"], "set --k to a whole number from 1 up, not 'three'"),
        (["cluster", "blobs.csv", "--separable-at", "nan"], "set --separable-at to a number above 0 and up to 1, not nan"),
        (["cluster", "blobs.csv", "--k", "200", "--columns", "x"], "set --k to 150 or less, the number of distinct rows to cluster, not 200"),
        (["cluster", "blobs.csv", "-o", "out.xls"], "set --format to csv, parquet or json, or end the name of the file so, not 'out.xls'"),
        (["cluster", "blobs.csv", "-o", "out.csv", "--format", "table"], "leave out -o, or set --format to csv, parquet or json"),
        (["cluster", "blobs.csv", "--columns", "x", "-o", "nowhere/out.csv"], "there is no folder nowhere"),
        (["predict", "blobs.csv", "--model", "blobs.parquet"], 'name a model that ppp-duck fit made: blobs.parquet has no column "cluster_id"'),
        (["predict", "blobs.csv", "--model", "sag.parquet"], "check the path: there is no file sag.parquet"),
        (["info", "sag"], "name a file, or a table of --db: there is no table sag"),
        (["cluster", "clustered.csv", "--columns", "x"], "set --prefix to a text such as 'ppp_': clustered.csv already has"),
        (["predict", "clustered.csv", "--model", "one.csv"], "set --prefix to a text such as 'ppp_': clustered.csv already has"),
        (["cluster", "blobs.csv", "--columns", ""], "set --columns to a list of column names such as income, not []"),
        (["cluster", "blobs.csv", "--k", "3", "--k-max", "2"], "set --k-max to k = 3 or more, or leave it out, not 2"),
        (["cluster", "blobs.csv", "--k", "3", "--sample-size", "2"], "set --sample-size to k = 3 or more, not 2"),
        (["cluster", "blobs.csv", "--categorical", "error"], "exclude tree, or set --categorical to 'auto', 'onehot' or 'ignore'"),
        (["cluster", "blobs.csv", "--by", "tree", "--columns", "tree"], "leaves no usable one (the others are excluded, or name groups or weights)"),
        (["cluster", "blobs.csv", "--weight", "tree"], "name a numeric column as --weight, not tree (VARCHAR)"),
        (["predict", "blobs.csv", "--model", "one.csv", "--by", "tree"], "leave --by out, or fit one.csv again by tree: it was fitted without"),
        (["report", "blobs.csv", "--model", "one.csv", "--k-max", "2"], "leave out --k-max, or the model: it was fitted with its own options"),
        (["to-sql", "one.csv", "--dialect", "spark", "--form", "macro"], "set --form to 'select' or 'view', as spark has no macros"),
        (["sql", "FROM ppp_cluster('clustered.csv', columns := ['x'])"], "set prefix to a text such as 'ppp_': clustered.csv already has"),
        (["cluster", "blobs.csv", "--kk", "3"], "cluster has no flag --kk; did you mean --k?"),
        (["cluster", "blobs.csv", "more.csv"], "give cluster one FILE_OR_TABLE, not also 'more.csv'"),
        (["sql", "SELEC 1"], 'syntax error at or near "SELEC"'),
        (["sql", " "], "give a statement, such as FROM ppp_cluster('x.csv')"),
        (["sql", "FROM ppp_cluster('blobs.csv', columns := ['xx'])"], 'no column "xx" in blobs.csv; it has "id", "x", "y", "tree"; did you mean "x"?'),
        (["sql", "-f", "no.sql"], "check the path of -f: no.sql cannot be read"),
    ],
)  # fmt: skip
def test_errors(here: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str) -> None:
    code, out, err = said(capsys, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("ppp-duck: ")
    assert message in err
    assert not re.search(r"Traceback|At:|\.py|:=", err)
    assert not re.search("LINE|file =", err) or arguments[0] == "sql"
    assert not list(here.glob("tmp_*"))


def test_wrong_words_are_2_as_well(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, message in (
        (["cluster"], "FILE_OR_TABLE"),
        (["predict", "x.csv"], "--model"),
    ):
        with pytest.raises(SystemExit) as left:
            main(arguments)
        assert left.value.code == 2
        assert message in capsys.readouterr().err
    with pytest.raises(SystemExit) as left:
        main(["--version"])
    assert (left.value.code, capsys.readouterr().out) == (0, f"ppp-duck {ppp_duck.__version__}\n")


EMPTY = {
    "empty.csv": b"", "empty.json": b"", "empty.ndjson": b"", "empty.parquet": b"", "list.json": b"[]\n",
    "empty.csv.gz": gzip.compress(b""),
}  # fmt: skip


@pytest.mark.parametrize("name", EMPTY)
def test_a_file_without_anything_in_it(here: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    (here / name).write_bytes(EMPTY[name])
    for arguments in (["cluster"], ["fit"], ["report", "-o", "r.html"], ["predict", "--model", "one.csv"]):
        assert said(capsys, *arguments, name) == (2, "", f"ppp-duck: give {name} rows: it is empty\n")
    assert not (here / "r.html").exists()


@pytest.mark.parametrize("given", [b"", b"[]", b"\n \n"])
def test_empty_standard_input(here: Path, given: bytes) -> None:
    done = run(here, "cluster", "-", given=given)
    assert (done.returncode, done.stderr) == (2, b"ppp-duck: give standard input rows: it is empty\n")


@pytest.mark.parametrize("name", ["header.csv", "none.parquet", "none", "SELECT * FROM none", "-"])
def test_a_source_without_rows(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:  # fmt: skip
    """No row has no cluster: a table of none, as in SQL and Python, and a line. There is no model of them."""
    (here / "header.csv").write_text("x,z\n")
    with duckdb.connect("none.duckdb") as con:
        con.execute("CREATE OR REPLACE TABLE none (x DOUBLE, z VARCHAR)").fetchall()
        con.execute("COPY none TO 'none.parquet'").fetchall()
    called = {"-": "standard input", "SELECT * FROM none": "the query"}.get(name, name)
    for arguments, wanted in (
        (["cluster"], (0, "x,z,cluster_id\n", f"ppp-duck: {called} has no rows\n")),
        (["predict", "--model", "one.csv"], (0, "x,z,cluster_id\n", f"ppp-duck: {called} has no rows\n")),
        (["fit", "-o", "f.csv"], (2, "", f"ppp-duck: give a source with rows, {called} has none\n")),
        (["report"], (2, "", f"ppp-duck: give a source with rows, {called} has none\n")),
    ):
        with (here / "header.csv").open() as file:
            monkeypatch.setattr(sys, "stdin", file)
            assert said(capsys, *arguments, name, "--db", "none.duckdb") == wanted
    assert not (here / "f.csv").exists()


def test_one_row_is_a_cluster(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "row.csv").write_text("x,z\n1,a\n")
    assert said(capsys, "cluster", "row.csv") == (0, "x,z,cluster_id\n1,a,0\n", "")
    assert said(capsys, "fit", "row.csv", "-o", "row.parquet") == (0, "", "")
    assert said(capsys, "predict", "row.csv", "--model", "row.parquet") == (0, "x,z,cluster_id\n1,a,0\n", "")


def test_a_report(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "blobs.csv", "-o", "report.html", "--k", "3", "--columns", "x,y"]) == 0
    html = (here / "report.html").read_text(encoding="utf-8")
    assert html.startswith("<!DOCTYPE html>")
    assert "ppp_fit(&#39;blobs.csv&#39;, columns := [&#39;x&#39;, &#39;y&#39;], k := 3)" in html
    assert main(["fit", "blobs.csv", "--k", "3", "--columns", "x,y", "-o", "seg.parquet"]) == 0
    assert main(["report", "blobs.csv", "--model", "seg.parquet"]) == 0
    assert capsys.readouterr().out.strip() == html.strip()
    assert main(["report", "blobs.csv", "--model", "seg.parquet", "--k", "2"]) == 2
    assert capsys.readouterr().err == "ppp-duck: leave out --k, or the model: it was fitted with its own options\n"


def test_plain_sql(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fit", "blobs.csv", "--k", "3", "--columns", "x,y", "-o", "seg.parquet"]) == 0
    assert main(["to-sql", "seg.parquet", "--source", "blobs", "--output", "full", "-o", "score.sql"]) == 0
    with duckdb.connect("warehouse.duckdb", read_only=True) as con:  # it knows nothing of the package
        rows = con.execute((here / "score.sql").read_text(encoding="utf-8")).fetchall()
    assert sorted(row[4] for row in rows) == [0] * 60 + [1] * 50 + [2] * 40
    assert main(["to-sql", "seg.parquet", "--dialect", "postgres"]) == 0
    assert "{source}" in capsys.readouterr().out
    assert main(["to-sql", "seg.parquet", "--dialect", "postgre"]) == 2
    assert "did you mean 'postgres'?" in capsys.readouterr().err
