"""The progress of a long fit: shown as a line on stderr, or given to a function of the user.

Each connection has its own choice, by the number that its macros hold. The engine reports every small step on the
thread that fits. The thread that runs the statement decides between two slices whether to show it.
Time decides when something is shown, and nothing else.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TextIO, TypeAlias

from ppp_duck.engine.mixture import FORMS
from ppp_duck.errors import OptionError, PPPError, show

PREPARING = "preparing the rows"
SPLITTING = "splitting the rows"
MERGING = "merging the parts"
CHOOSING = "choosing k"
TRYING = "trying mixtures"  # instead of choosing, where k is given
VALLEYS = "looking for valleys"
FITTING = "fitting the best one"
COMPARING = "comparing with k-means"
DONE = "done"

STAGE_OF_STEP = {
    "group": PREPARING, "tree": SPLITTING, "merge": MERGING, "valleys": VALLEYS, "certificate": COMPARING
}  # fmt: skip

QUIET = 1.0  # seconds that a fit may take before an interactive session shows a line
EVERY = 0.2  # seconds between two calls of a function, or two states of a line
LOGGED = 5.0  # seconds between two lines where none can be rewritten, as in a file
SOURCE_SHOWN = 40  # characters of a source's name


@dataclass(frozen=True)
class Progress:
    """How far a fit is: what the function given to ``register(con, progress=...)`` is called with.

    ``function`` and ``source`` are those of the SQL call. ``group`` counts from 1 to ``groups``, which is 1 without
    ``by``. ``stage`` says in plain words what is done; the last one is ``'done'``. ``k`` is the number of components of
    the mixture in work (None before there is one, and at the end), ``tried`` the number of candidates that the search
    of this group has begun, ``elapsed`` the seconds since the fit began.
    """

    function: str
    source: str
    group: int
    groups: int
    stage: str
    k: int | None
    tried: int
    elapsed: float


Choice: TypeAlias = bool | Callable[[Progress], object] | None
_choices: dict[int, Choice] = {}  # by the number of a registered connection


def check(choice: object) -> None:
    """Raises OptionError for what is no ``Choice``."""
    if not (choice is None or isinstance(choice, bool) or callable(choice)):
        wanted = "True, False, None or a function of one ppp_duck.Progress"
        raise OptionError.value("register", "progress", wanted, choice)


def choose(number: int, choice: Choice) -> None:
    """Set the choice of a connection. None leaves an earlier choice as it is: to register again is harmless."""
    if choice is not None or number not in _choices:
        _choices[number] = choice


def forget(number: int) -> None:
    _choices.pop(number, None)


class Stages:
    """The engine's steps, on the thread that fits, as stages in plain words."""

    def __init__(self, k: int | None) -> None:
        self._choosing = CHOOSING if k is None else TRYING
        self._tried: set[tuple[str, int | None]] = set()
        self._group = 1
        self.now: tuple[int, str, int | None, int] = (1, PREPARING, None, 0)  # read by another thread: set in one go

    def step(self, step: str, k: int | None) -> None:
        """The next step: one of the engine's, 'group' and the number of the next group, or the words of a stage."""
        stage = self._stage(step)
        if step == "group" and k is not None:
            self._group = k
        if stage in (PREPARING, SPLITTING):
            self._tried.clear()
        elif stage == self._choosing:
            self._tried.add((step, k))
        self.now = (self._group, stage, None if stage in (PREPARING, SPLITTING, MERGING) else k, len(self._tried))

    def _stage(self, step: str) -> str:
        before = self.now[1]
        if step != "k-means" and step not in FORMS:
            return STAGE_OF_STEP.get(step, step)
        if before == COMPARING:
            return COMPARING
        if before in (VALLEYS, FITTING):
            return FITTING
        # k-means first improves the parts that are merged next. Later it is a candidate, like each form of covariance.
        return SPLITTING if step == "k-means" and before in (PREPARING, SPLITTING) else self._choosing


class Watch:
    """Shows one running fit to the connection of a number, or to nobody where that is gone."""

    def __init__(self, number: int | None, function: str, source: str, groups: int, k: int | None) -> None:
        self.number, self.function, self.source = number, function, source
        self._groups, self._stages = max(groups, 1), Stages(k)
        self.report = self._stages.step
        choice = False if number is None else _choices.get(number, False)
        self._call, self._line, self._every, self._next = choice if callable(choice) else None, None, EVERY, 0.0
        if sys.stderr is not None and (choice is True or (choice is None and interactive())):
            self._line = Line(sys.stderr, always=choice is True)
            self._every, self._next = self._line.every, self._line.first
        self._begun = time.monotonic()

    def show(self, done: bool = False) -> None:
        """Show the fit, if it is time. Raises PPPError if the user's function raises."""
        elapsed = time.monotonic() - self._begun
        if (self._line is None and self._call is None) or (elapsed < self._next and not done):
            return
        self._next = elapsed + self._every
        group, stage, k, tried = self._stages.now
        stage, k = (DONE, None) if done else (stage, k)
        progress = Progress(self.function, self.source, group, self._groups, stage, k, tried, elapsed)
        if self._line is not None:
            self._line.show(progress)
        if self._call is not None:
            try:
                self._call(progress)
            except Exception as error:
                raised = f"{type(error).__name__}: {error}"
                raise PPPError(
                    f"{self.function}: look at the function given to register as progress, it raised {raised}"
                ) from error

    def end(self) -> None:
        """Clear the line of a fit that has failed or was stopped."""
        if self._line is not None:
            self._line.clear()


class Line:
    """The line of one fit. A terminal and a notebook rewrite it in place; a file gets a new line now and then.

    In the end a terminal's line is cleared, since the result follows. The others keep one that says how long it took.
    """

    def __init__(self, stream: TextIO, always: bool) -> None:
        self._stream, self._always = stream, always
        self._terminal = stream.isatty()
        self._rewritten = self._terminal or is_notebook(stream)
        self._written = False
        self._error = last_error()
        self.every = EVERY if self._rewritten else LOGGED
        self.first = self.every if always else QUIET

    def show(self, progress: Progress) -> None:
        if last_error() is not self._error:
            self._written = False
            return
        done = progress.stage == DONE
        if done and (self._terminal or not (self._written or self._always)):
            self.clear()
            return
        text, self._written = words(progress), True
        self._write(f"{_over(text)}{chr(10) * done}" if self._rewritten else f"{text}\n")

    def clear(self) -> None:
        if self._written and self._rewritten:
            self._write(f"{_over('')}\r")
        self._written = False

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


def last_error() -> object:
    """The error that the prompt reported last. If it changes during a fit, the prompt is back, not to be written over.

    DuckDB 1.4 lets a statement run on in its threads when Ctrl-C has ended it for its caller.
    """
    return getattr(sys, "last_value", None)


def _over(text: str) -> str:
    """A text over the whole line: what was there before, or DuckDB's own progress bar, is gone."""
    width = shutil.get_terminal_size().columns - 1
    return f"\r{text[:width]:{width}}"


def words(progress: Progress) -> str:
    """The line for a state of progress.

    >>> words(Progress("ppp_cluster", "customers", 1, 1, CHOOSING, 7, 12, 3.41))
    "ppp_cluster('customers'): choosing k, 12 tried, 3.4 s"
    >>> words(Progress("ppp_fit", "customers", 2, 9, SPLITTING, None, 0, 100))
    "ppp_fit('customers'): group 2 of 9, splitting the rows, 100.0 s"
    """
    source = "".join(letter if letter.isprintable() else " " for letter in progress.source)
    if len(source) > SOURCE_SHOWN:
        source = f"{source[: SOURCE_SHOWN - 3]}..."
    parts = [progress.stage]
    if progress.groups > 1 and progress.stage != DONE:
        parts.insert(0, f"group {progress.group} of {progress.groups}")
    if progress.stage in (CHOOSING, TRYING):
        parts.append(f"{progress.tried} tried")
    return f"{progress.function}({show(source)}): {', '.join(parts)}, {progress.elapsed:.1f} s"


def interactive() -> bool:
    """Whether somebody types at a prompt, in a terminal or a notebook. A script, a test or a server is silent."""
    prompt = hasattr(sys, "ps1") or bool(sys.flags.interactive)  # IPython and its kernel set ps1, too
    return prompt and (sys.stderr.isatty() or is_notebook(sys.stderr))


def is_notebook(stream: object) -> bool:
    """Whether a stream is Jupyter's own: no terminal, but one that obeys a carriage return."""
    return type(stream).__module__.partition(".")[0] == "ipykernel"
