"""Teaching: two stages of perceptrons, calibrated and judged on people that they have not seen."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from threadpoolctl import threadpool_limits

from scarmetrics.config import SegmentationConfig
from scarmetrics.errors import UsageError
from scarmetrics.segmentation.contours import label_evidence
from scarmetrics.segmentation.features import evidence_features, skin_features
from scarmetrics.segmentation.learned import with_net_sha256
from scarmetrics.segmentation.normalise import CELL_MM
from scarmetrics.segmentation.perceptrons import (
    FARTHEST,
    Opinion,
    Perceptron,
    TaughtModel,
    chance,
    opinion_map,
)
from scarmetrics.teach.calibrate import calibrate, response_of
from scarmetrics.teach.lesson import part_of
from scarmetrics.teach.score import Agreement, agreement, total

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from scarmetrics.models import FloatImage, Mask
    from scarmetrics.teach.lesson import Lesson

    Rows = NDArray[np.float32]

MOST_FOLDS = 8
_INNER_FOLDS = 3
_HIDDEN = (32,)
_NETS = 3  # perceptrons of a stage that is used
_NETS_ASIDE = 1  # perceptrons of a stage that only says what it thinks of unseen people
_EPOCHS = 14
_BATCH = 400
_RATE = 3e-3
_PENALTY = 1e-3
_MOST_CELLS = 80_000  # of all photographs together
_LEAST_CELLS = 2_000  # of each
_MOST_KEPT = 2_000_000  # cells of all photographs that are looked at, about 500 MB of features
_LEAST_AREA_SD = 0.05  # that a few photographs agree better is luck
_FARTHEST_AREA = 10.0  # factor beyond which an area is no more wrong
_SKIN_PER_SCAR = 8  # clear cells that are taught for each cell of a scar


@dataclass(frozen=True)
class Settings:
    """How a model is taught.

    Attributes
    ----------
    seed : int
        Of everything that is random.
    epochs : int
        Passes over the cells.
    nets : int
        Perceptrons of each stage.
    cells : int
        Cells that are taught, of all photographs together.
    """

    seed: int = 0
    epochs: int = _EPOCHS
    nets: int = _NETS
    cells: int = _MOST_CELLS


@dataclass(frozen=True, eq=False)
class Taught:
    """A model and how well its like does on people that were left out.

    Attributes
    ----------
    model : TaughtModel
        Taught on all photographs.
    tested : dict of str to Agreement
        Per photograph by its name, by models that had seen none of that person.
    by_person : bool
        Whether people were left out; single photographs where there is one person only.
    """

    model: TaughtModel
    tested: dict[str, Agreement]
    by_person: bool

    @property
    def overall(self) -> Agreement:
        """All photographs together."""
        return total(self.tested.values())


def require_scikit_learn() -> None:
    """Raise UsageError where scikit-learn is not installed."""
    try:
        import sklearn  # noqa: F401
    except ImportError:
        raise UsageError(
            "teaching needs scikit-learn, which is not installed",
            "pip install 'scarmetrics[train]'",
        ) from None


def teach(
    lessons: Sequence[Lesson],
    *,
    settings: Settings | None = None,
    about: dict[str, Any] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Taught:
    """Teach a model, and test its like on people left out.

    Parameters
    ----------
    lessons : sequence of Lesson
        Two or more.
    settings : Settings, optional
        Seed and effort.
    about : dict, optional
        Goes into the model file beside the figures of the test, which name no photograph.
    progress : callable, optional
        Called with (models taught, models in all).

    Returns
    -------
    Taught

    Raises
    ------
    UsageError
        If scikit-learn is missing or there are fewer than two lessons.
    ValueError
        If two lessons have the same name.
    """
    require_scikit_learn()
    if len(lessons) < 2:
        raise UsageError("fewer than 2 photographs cannot be taught and tested", "trace more")
    if len({lesson.name for lesson in lessons}) < len(lessons):
        raise ValueError("lessons need names of their own")
    settings = settings or Settings()
    with threadpool_limits(1):  # sums in another order are other numbers
        return _teach(lessons, settings, about or {}, progress or (lambda _done, _total: None))


def _teach(
    lessons: Sequence[Lesson],
    settings: Settings,
    about: dict[str, Any],
    progress: Callable[[int, int], None],
) -> Taught:
    cells = [
        _Cells(index, lesson, count=len(lessons), settings=settings)
        for index, lesson in enumerate(_bounded(lessons))
    ]
    outer = folds([lesson.person for lesson in lessons], MOST_FOLDS)
    tested: dict[str, Agreement] = {}
    for number, left_out in enumerate(outer):
        progress(number, len(outer) + 1)
        model = _fit([part for index, part in enumerate(cells) if index not in left_out], settings)
        for index in left_out:
            tested[lessons[index].name] = judge(model, lessons[index])
    progress(len(outer), len(outer) + 1)
    model = _fit(cells, settings)
    progress(len(outer) + 1, len(outer) + 1)
    tested = {lesson.name: tested[lesson.name] for lesson in lessons}
    by_person = len({lesson.person for lesson in lessons}) > 1
    about = {**model.about, **about, "tested": _figures(tested), "left_out_by_person": by_person}
    model = replace(model, area_rel_sd=area_rel_sd(tested.values()), about=about)
    return Taught(model, tested, by_person)


def _bounded(lessons: Sequence[Lesson]) -> list[Lesson]:
    """Parts of large lessons, where all together would take too much memory and time."""
    if sum(lesson.skin.roi.size for lesson in lessons) <= _MOST_KEPT:
        return list(lessons)
    return [part_of(lesson, _MOST_KEPT // len(lessons)) for lesson in lessons]


def _figures(tested: dict[str, Agreement]) -> dict[str, Any]:
    """Figures for the model file: a photograph's name may be a person's and stays out of it."""

    def row(part: Agreement) -> dict[str, float | None]:
        ratio = part.area_ratio
        return {
            "f1": part.f1,
            "dice": part.dice,
            "area_ratio": None if np.isnan(ratio) else ratio,
        }

    worst_first = sorted(tested.values(), key=lambda part: (part.dice, part))
    return {"all": row(total(worst_first)), "photographs": [row(part) for part in worst_first]}


def area_rel_sd(tested: Iterable[Agreement]) -> float:
    """Relative error of the area of a photograph: root mean square of the logarithm of the ratio.

    Parameters
    ----------
    tested : iterable of Agreement
        One per photograph that was left out; those without a traced scar say nothing.

    Returns
    -------
    float
        At least 0.05; 1 where no photograph says anything.
    """
    ratios = np.array([part.area_ratio for part in tested if part.traced_px])
    if not len(ratios):
        return 1.0
    off = np.log(np.clip(ratios, 1 / _FARTHEST_AREA, _FARTHEST_AREA))
    return max(_LEAST_AREA_SD, float(np.sqrt(np.mean(off**2))))


def judge(model: TaughtModel, lesson: Lesson) -> Agreement:
    """Agreement of a model with the readers of one photograph."""
    skin = lesson.skin
    evidence = model.evidence(skin.planes, skin.roi, skin.mm_per_cell)
    labels = label_evidence(
        response_of(lesson, evidence), lesson.roi, 0.0, SegmentationConfig(),
        level=model.level, detection=model.detection, evidence_sd=model.evidence_sd,
    ).labels  # fmt: skip
    return agreement(labels, lesson.readers)


def folds(people: Sequence[str], most: int) -> list[list[int]]:
    """Divide photographs so that nobody is on both sides.

    Parameters
    ----------
    people : sequence of str
        Whose photograph each one is. Where all are one person's, photographs are divided instead.
    most : int
        Folds at most.

    Returns
    -------
    list of list of int
        Positions of the photographs that each fold leaves out.
    """
    if len(set(people)) == 1:
        people = [str(index) for index in range(len(people))]
    names = sorted(set(people), key=lambda person: (-people.count(person), people.index(person)))
    parts: list[list[int]] = [[] for _ in range(min(most, len(names)))]
    for name in names:  # the largest first, each to the smallest fold
        smallest = min(parts, key=len)
        smallest += [index for index, person in enumerate(people) if person == name]
    return [sorted(part) for part in parts]


class _Cells:
    """The features of one lesson, and which of its cells are taught."""

    def __init__(self, index: int, lesson: Lesson, *, count: int, settings: Settings) -> None:
        self.lesson = lesson
        skin = lesson.skin
        rng = np.random.default_rng((settings.seed, index))
        most = max(_LEAST_CELLS, settings.cells // count)
        self.inside = _sample(lesson.target, skin.roi, most, rng)
        self.target = lesson.target[self.inside]
        self.all_rows = skin_features(skin.planes, skin.roi, skin.mm_per_cell, skin.roi)
        self.rows = self.all_rows[self.inside[skin.roi]]

    def with_opinion(self, opinion: FloatImage) -> Rows:
        """Rows of the second stage."""
        around = evidence_features(opinion, self.lesson.skin.mm_per_cell, self.inside)
        return np.hstack([self.rows, around])

    def map_of(self, opinion: Opinion, before: FloatImage | None = None) -> FloatImage:
        """What a stage thinks of the whole photograph."""
        skin = self.lesson.skin
        return opinion_map(
            opinion, skin.planes, skin.roi, skin.mm_per_cell, before=before, rows=self.all_rows
        )


def _sample(target: FloatImage, skin: Mask, most: int, rng: np.random.Generator) -> Mask:
    """All cells of scars and a part of the others, `most` in all."""
    scar, clear = np.flatnonzero(skin & (target > 0)), np.flatnonzero(skin & (target == 0))
    scar = scar if len(scar) <= most // 2 else rng.choice(scar, most // 2, replace=False)
    wanted = min(len(clear), most - len(scar), max(_SKIN_PER_SCAR * len(scar), most // 8))
    chosen = np.zeros(skin.size, bool)
    chosen[scar] = True
    chosen[rng.choice(clear, wanted, replace=False)] = True
    return chosen.reshape(skin.shape)


def _fit(cells: Sequence[_Cells], settings: Settings) -> TaughtModel:
    """Both stages; each photograph's own opinions come from models that have not seen it."""
    inner = folds([part.lesson.person for part in cells], _INNER_FOLDS)
    hidden = inner if len(inner) > 1 else [[]]  # a single photograph cannot be left out
    first_rows = [part.rows for part in cells]
    opinions: list[FloatImage] = [np.zeros(0, np.float32)] * len(cells)
    for stage, (asked, left_out) in enumerate(zip(inner, hidden, strict=True)):
        aside = _opinion(first_rows, cells, left_out, settings, (1, stage))
        for index in asked:
            opinions[index] = cells[index].map_of(aside)
    second_rows = [part.with_opinion(opinions[i]) for i, part in enumerate(cells)]
    evidence: list[FloatImage] = [np.zeros(0, np.float32)] * len(cells)
    for stage, (asked, left_out) in enumerate(zip(inner, hidden, strict=True)):
        aside = _opinion(second_rows, cells, left_out, settings, (2, stage))
        for index in asked:
            odds = cells[index].map_of(aside, opinions[index])
            evidence[index] = np.where(cells[index].lesson.skin.roi, chance(odds), np.float32(0))
    level, detection, evidence_sd = calibrate([part.lesson for part in cells], evidence)
    return TaughtModel(
        first=_opinion(first_rows, cells, (), settings, (3,)),
        second=_opinion(second_rows, cells, (), settings, (4,)),
        level=level,
        detection=detection,
        evidence_sd=evidence_sd,
        about={
            "mm_per_cell": CELL_MM,
            "hidden": list(_HIDDEN),
            "seed": settings.seed,
            "net_sha256": with_net_sha256(),
        },
    )


def _opinion(
    rows: Sequence[Rows],
    cells: Sequence[_Cells],
    left_out: Sequence[int],
    settings: Settings,
    draw: tuple[int, ...],
) -> Opinion:
    """Perceptrons taught on all lessons but those left out."""
    kept = [index for index in range(len(rows)) if index not in left_out]
    values = np.concatenate([rows[index] for index in kept])
    target = np.concatenate([cells[index].target for index in kept])
    mean, sd = values.mean(axis=0, dtype=np.float64), values.std(axis=0, dtype=np.float64)
    mean, sd = mean.astype(np.float32), np.maximum(sd, 1e-3).astype(np.float32)
    scaled = np.clip((values - mean) / sd, -FARTHEST, FARTHEST)
    count = min(settings.nets, _NETS_ASIDE) if left_out else settings.nets
    nets = [_perceptron(scaled, target, settings, (*draw, number)) for number in range(count)]
    return Opinion(mean, sd, tuple(nets))


def _perceptron(
    values: Rows, target: NDArray[np.float32], settings: Settings, draw: tuple[int, ...]
) -> Perceptron:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    rng = np.random.default_rng((settings.seed, *draw))
    # where readers differ, each perceptron hears one of them
    drawn = rng.random(len(target)) < target
    if drawn.all() or not drawn.any():
        drawn = target >= np.median(target)
    net = MLPClassifier(
        _HIDDEN, alpha=_PENALTY, batch_size=min(_BATCH, len(target)), learning_rate_init=_RATE,
        max_iter=settings.epochs, n_iter_no_change=settings.epochs + 1,
        random_state=int(rng.integers(2**31)),
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the number of passes is chosen
        net.fit(values, drawn)
    return Perceptron(
        tuple(weights.astype(np.float32) for weights in net.coefs_),
        tuple(biases.astype(np.float32) for biases in net.intercepts_),
    )
