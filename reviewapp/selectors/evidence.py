"""The evidence sheet of a proposal: how far its test is, what both sides look like, what got better and what worse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from reviewapp.enums import CanaryState, ReviewTaskState, Side, StudyStage
from reviewapp.models import Canary, PresetProposal, Study, StudyRun
from reviewapp.policies.quality import canary as policy
from reviewapp.policies.quality.comparing import PARTS
from reviewapp.selectors import studying
from reviewapp.selectors.quality import current_policy

SHOWN = 12
MEASURES_SHOWN = 14


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a test: its name, how much is done of how much, and whether it is over, under way or to come."""

    name: str
    done: int
    of: int
    state: str


@dataclass(frozen=True, slots=True)
class Trio:
    """One photo as it came, as the version in use makes it, and as the proposed one does; what people said of both."""

    champion: StudyRun
    challenger: StudyRun
    champion_bad: bool | None
    challenger_bad: bool | None

    @property
    def is_worse(self) -> bool:
        """Only the proposed side was rejected."""
        return self.challenger_bad is True and self.champion_bad is False

    @property
    def is_better(self) -> bool:
        """Only the side in use was rejected."""
        return self.champion_bad is True and self.challenger_bad is False


@dataclass(frozen=True, slots=True)
class Trial:
    """A trial as the page shows it: looks of how many, the watch against its limit."""

    canary: Canary
    looks_wanted: int

    @property
    def is_running(self) -> bool:
        return self.canary.state == CanaryState.RUNNING


@dataclass(frozen=True, slots=True)
class Sheet:
    """Everything the sheet shows beside the proposal itself."""

    study: Study | None
    steps: list[Step]
    trios: list[Trio]
    worse: list[Trio]
    better: int
    measures: list[dict[str, Any]]
    trial: Trial | None
    trial_share: float = 0.0

    @property
    def is_running(self) -> bool:
        """People or machines still work on it."""
        return self.study is not None and self.study.ended_at is None

    @property
    def is_offered(self) -> bool:
        return self.study is not None and self.study.stage == StudyStage.OFFERED

    @property
    def fewer(self) -> float | None:
        """Rejected photos fewer of a hundred; negative is more."""
        found = self.study.difference if self.study else None
        return None if found is None else -100.0 * found

    @property
    def doubt(self) -> float | None:
        """The standard error of `fewer`."""
        found = self.study.standard_error if self.study else None
        return None if found is None else 100.0 * found

    @property
    def gain(self) -> float | None:
        """Points the search expects."""
        if self.study is None or self.study.best_value is None or self.study.champion_value is None:
            return None
        return self.study.best_value - self.study.champion_value


def sheet(proposal: PresetProposal) -> Sheet:
    """Read the sheet of `proposal` in a fixed number of queries."""
    study = Study.objects.select_related("challenger", "replay__base").filter(proposal=proposal).first()
    if study is None:
        return Sheet(None, [], [], [], 0, [], None)
    trios = _trios(study)
    canary = Canary.objects.select_related("version", "parent").filter(version_id=study.challenger_id).first()
    rows = sorted(study.compared, key=lambda row: (row["name"] not in PARTS, row["verdict"] == "same"))
    # While people judge, nobody who may be one of them is told which side is which.
    is_told = study.stage in (StudyStage.OFFERED, StudyStage.LOST, StudyStage.CLOSED)
    return Sheet(
        study=study,
        steps=_steps(study),
        trios=_chosen(trios) if is_told else [],
        worse=[trio for trio in trios if trio.is_worse][:SHOWN] if is_told else [],
        better=sum(trio.is_better for trio in trios),
        measures=rows[:MEASURES_SHOWN] if is_told else [],
        trial=Trial(canary, policy.PROMOTE_LOOKS) if canary is not None else None,
        trial_share=current_policy().trial_share,
    )


def _trios(study: Study) -> list[Trio]:
    said = studying.verdicts(study)

    def bad(one: StudyRun) -> bool | None:
        found = said.get(one.pk)
        return None if found is None else found.is_bad

    pairs = [pair for pair in studying.pairs(study) if pair.champion.run_id and pair.challenger.run_id]
    return [Trio(pair.champion, pair.challenger, bad(pair.champion), bad(pair.challenger)) for pair in pairs]


def _chosen(trios: list[Trio]) -> list[Trio]:
    """What tells most first: photos the two sides differ on, then the others in their random order."""
    return sorted(trios, key=lambda trio: not (trio.is_better or trio.is_worse))[:SHOWN]


def _steps(study: Study) -> list[Step]:
    made = list(study.runs.values_list("side", "run", "error", "review_task__state"))
    finished = sum(bool(run) or bool(error) for _side, run, error, _state in made)
    waiting = (ReviewTaskState.OPEN, ReviewTaskState.ON_HOLD)
    looks = [state for _side, _run, _error, state in made if state]
    order = [StudyStage.SEARCHING, StudyStage.RENDERING, StudyStage.DUEL]
    at = order.index(StudyStage(study.stage)) if study.stage in order else len(order)
    wanted = sum(max(1, study.trials_wanted // len(study.starts)) for _ in study.starts)
    counts = [
        ("search", len(study.trials), max(wanted, len(study.trials)) if at == 0 else len(study.trials)),
        ("results", finished, len(made) or study.replay.size * len(Side)),
        ("duel", sum(state not in waiting for state in looks), len(looks) or study.replay.size * len(Side)),
    ]
    states = ["done" if number < at else "on" if number == at else "wait" for number in range(len(order))]
    if study.stage == StudyStage.FAILED or (study.stage == StudyStage.LOST and not made):
        states = ["done" if count[1] else "wait" for count in counts]
    return [Step(*count, state) for count, state in zip(counts, states, strict=True)]
