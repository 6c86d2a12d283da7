"""How fast, beside what cannot be avoided: decoding the files and encoding the overlay.

A simulated pair at 3, 12 and 24 megapixels, on one thread: the whole of a half (decode, align,
measure, write pictures) against its floor, which is to decode both files and to encode the overlay
of the pair, with OpenCV, in the same run. Then both halves of a face, the memory of a worker, two
workers against one, a Dask cluster of two processes, a manifest of 10,000 rows, and the time until
``scarmetrics --help`` has printed. Seconds are CPU seconds where one process works, so that other
work on the machine does not count; only ratios are to be compared between machines.

Run:  python benchmarks/throughput.py [--megapixels N ...] [--pairs N] [--no-parallel]
"""

from __future__ import annotations

import argparse
import cProfile
import io
import pstats
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from _common import print_table, write_json
from threadpoolctl import threadpool_limits

import scarmetrics as sm
from scarmetrics.ingest import decode_photograph
from scarmetrics.models import PhotoRecord
from scarmetrics.opencv import cv2
from scarmetrics.phantom import make_demo_study
from scarmetrics.runner.jobs import PairJob
from scarmetrics.runner.worker import run_job

if TYPE_CHECKING:
    from collections.abc import Callable

    from scarmetrics.models import Side

REPEATS = 3
NOISE_SD = 2.5  # codes, of a photograph in good light; without it JPEG decodes too quickly
QUALITY = 92
TARGETS = {"floors_at_12_mp": 5.0, "two_workers": 1.8, "peak_mb_at_24_mp": 600.0, "dask": 0.85}
MANIFEST_ROWS = 10_000
STEPS = {
    "decode": "decode_photograph",
    "face": "detect_face",
    "align": "register",
    "skin": "side_skin",
    "find scars": "_label_both",
    "evidence": "respond",
    "areas": "_visit_result",
    "overlays": "render_overlays",
    "views": "render_view",
    "write PNG": "_write_png",
}


def enlarged(source: Path, target: Path, megapixels: float, seed: int) -> float:
    """Write a photograph with more pixels and their noise; px per px of the source."""
    image = cv2.imread(str(source))
    zoom = float(np.sqrt(megapixels * 1e6 / (image.shape[0] * image.shape[1])))
    large = cv2.resize(image, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_CUBIC)
    noise = np.random.default_rng(seed).standard_normal(large.shape, np.float32) * NOISE_SD
    noisy = np.clip(np.rint(large + noise), 0, 255).astype(np.uint8)
    cv2.imwrite(str(target), noisy, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return zoom


def make_pair(study: Path, folder: Path, megapixels: float) -> PairJob:
    """One subject's two photographs at a size."""
    records = []
    for seed, visit in enumerate(("baseline", "month3")):
        path = folder / f"{megapixels:g}_{visit}.jpg"
        zoom = enlarged(study / f"P01/{visit}_frontal.jpg", path, megapixels, seed)
        records.append(
            PhotoRecord(
                subject_id="P01",
                visit=visit,
                view="frontal",
                path=path,
                path_relative=path.name,
                mm_per_px=0.18 / zoom,
                mm_per_px_rel_sd=0.01,
            )
        )
    return PairJob("P01", records[0], records[1], ("left",))


def cpu_seconds(work: Callable[[], object], repeats: int = REPEATS) -> float:
    """Median CPU seconds of this process."""
    taken = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return statistics.median(taken)


def one_size(job: PairJob, out: Path) -> dict[str, Any]:
    """Times of one pair, its floor beside it."""
    config = sm.StudyConfig(study_id="throughput")
    sides: tuple[Side, Side] = ("left", "right")
    both = PairJob(job.subject_id, job.baseline, job.follow_up, sides)
    outcome = run_job(job, config, out)[0]
    if outcome.failures:
        raise SystemExit(f"not measured: {outcome.failures[0].reason}")
    overlay = cv2.imread(str(out / "overlays/P01_left.png"))
    paths = [str(job.baseline.path), str(job.follow_up.path)]
    decode = cpu_seconds(lambda: [cv2.imread(path) for path in paths], 2 * REPEATS)
    encode = cpu_seconds(lambda: cv2.imencode(".png", overlay), 2 * REPEATS)
    half = cpu_seconds(lambda: run_job(job, config, out))
    face = cpu_seconds(lambda: run_job(both, config, out))
    size = cv2.imread(paths[0]).shape
    return {
        "megapixels": size[0] * size[1] / 1e6,
        "floor_seconds": decode + encode,
        "own_decode_seconds": cpu_seconds(
            lambda: [decode_photograph(Path(p), max_megapixels=200) for p in paths]
        ),
        "half_seconds": half,
        "half_over_floor": half / (decode + encode),
        "face_seconds": face,
        "second_half_over_floor": (face - half) / (decode + encode),
        "steps": steps(job, config, out),
        "peak_mb": peak_mb(job),
    }


def steps(job: PairJob, config: sm.StudyConfig, out: Path) -> dict[str, float]:
    """CPU seconds within each step, by the profiler; what is not in one is 'other'."""
    profile = cProfile.Profile(time.process_time)
    profile.enable()
    run_job(job, config, out)
    profile.disable()
    found: dict[str, float] = {}
    stats = pstats.Stats(profile, stream=io.StringIO()).stats  # type: ignore[attr-defined]
    for (_, _, name), (_, _, _, cumulative, _) in stats.items():
        for step, function in STEPS.items():
            if name == function:
                found[step] = max(found.get(step, 0.0), cumulative)
    total = max(entry[3] for entry in stats.values())
    return {**found, "other": total - sum(found.values()), "total": total}


def peak_mb(job: PairJob) -> float:
    """Largest resident memory of a process of its own that measures both halves."""
    done = subprocess.run(
        [sys.executable, __file__, "--measure", str(job.baseline.path), str(job.follow_up.path),
         str(job.baseline.mm_per_px)],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    return float(done.stdout.split()[-1])


def measure_alone(paths: list[str]) -> None:
    """What `peak_mb` starts."""
    cv2.setNumThreads(1)
    records = [
        PhotoRecord(subject_id="P01", visit=visit, view="frontal", path=Path(path),
                    path_relative=Path(path).name, mm_per_px=float(paths[2]), mm_per_px_rel_sd=0.01)
        for visit, path in zip(("baseline", "month3"), paths[:2], strict=True)
    ]  # fmt: skip
    with tempfile.TemporaryDirectory() as folder, threadpool_limits(1):
        out = made_out(Path(folder))
        run_job(PairJob("P01", *records, ("left", "right")), sm.StudyConfig(study_id="x"), out)
    # not getrusage, whose peak a child inherits from its parent
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    print(int(status.split("VmHWM:")[1].split()[0]) / 1024)


def made_out(folder: Path) -> Path:
    """An OUT for pictures."""
    for name in ("masks", "rois", "overlays", "views", "results"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    return folder


def parallel(study: Path, folder: Path) -> dict[str, float]:
    """Wall seconds of a study by one worker, by two, and by two Dask processes."""
    from distributed import LocalCluster

    config = sm.Study(sm.StudyConfig(study_id="throughput"))
    seconds = {}
    # two first and last, so that whatever else the machine does meanwhile shows
    for name, means in (
        ("two", {"workers": 2}),
        ("one", {"workers": 1}),
        ("two again", {"workers": 2}),
    ):
        start = time.perf_counter()
        config.run(study, out=folder / name, isolate=True, **means)  # type: ignore[arg-type]
        seconds[name] = time.perf_counter() - start
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        start = time.perf_counter()
        config.run(study, out=folder / "dask", scheduler=cluster.scheduler_address)
        seconds["dask"] = time.perf_counter() - start
    two = min(seconds["two"], seconds["two again"])
    return {
        **seconds,
        "speed_of_two": seconds["one"] / two,
        "dask_efficiency_per_worker": seconds["one"] / seconds["dask"] / 2,
    }


def command_line(folder: Path) -> dict[str, float]:
    """A large manifest checked, and the help printed; wall seconds, the lesser of some."""
    exports = folder / "large"
    exports.mkdir()
    photograph = next(folder.glob("*.jpg"))
    rows = ["subject_id,visit,view,path"]
    for number in range(MANIFEST_ROWS // 2):
        for visit in ("baseline", "month3"):
            name = f"S{number:05d}_{visit}.jpg"
            rows.append(f"S{number:05d},{visit},frontal,{name}")
            (exports / name).hardlink_to(photograph)
    (exports / "manifest.csv").write_text("\n".join(rows), encoding="utf-8")
    program = str(Path(sys.executable).with_name("scarmetrics"))

    def wall(*arguments: str) -> float:
        start = time.perf_counter()
        subprocess.run([program, *arguments], check=True, capture_output=True)
        return time.perf_counter() - start

    return {
        "check_10000_rows_seconds": min(wall("check", str(exports)) for _ in range(2)),
        "help_seconds": min(wall("--help") for _ in range(5)),
        "python_alone_seconds": min(python_alone() for _ in range(5)),
    }


def python_alone() -> float:
    """The interpreter's own start: the floor of ``--help``."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", ""], check=True)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--megapixels", type=float, nargs="+", default=[3.0, 12.0, 24.0])
    parser.add_argument("--pairs", type=int, default=8, help="subjects of the parallel study")
    parser.add_argument("--no-parallel", action="store_true")
    parser.add_argument("--measure", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        return measure_alone(options.measure)
    cv2.setNumThreads(1)
    figures: dict[str, Any] = {"targets": TARGETS, "sizes": []}
    with tempfile.TemporaryDirectory() as temporary, threadpool_limits(1):
        folder = Path(temporary)
        study = make_demo_study(folder / "study", n_subjects=options.pairs)
        for megapixels in options.megapixels:
            job = make_pair(study.exports, folder, megapixels)
            figures["sizes"].append(one_size(job, made_out(folder / f"out{megapixels:g}")))
        _print_sizes(figures["sizes"])
        figures["command_line"] = command_line(folder)
        if not options.no_parallel:
            figures["parallel"] = parallel(study.exports, folder / "parallel")
    for name in ("command_line", "parallel"):
        if name in figures:
            print_table(
                name, ("figure", "value"), [(k, f"{v:.2f}") for k, v in figures[name].items()]
            )
    print(f"\nfigures: {write_json('throughput', figures).name}")
    return None


def _print_sizes(sizes: list[dict[str, Any]]) -> None:
    print_table(
        "One half, both visits, CPU s on one thread; floor: decode both files, encode the overlay",
        ("MP", "floor", "half", "half / floor", "2nd half / floor", "s per MP", "peak MB"),
        [
            (
                f"{s['megapixels']:.0f}",
                f"{s['floor_seconds']:.2f}",
                f"{s['half_seconds']:.2f}",
                f"{s['half_over_floor']:.1f}",
                f"{s['second_half_over_floor']:.1f}",
                f"{s['half_seconds'] / s['megapixels']:.3f}",
                f"{s['peak_mb']:.0f}",
            )
            for s in sizes
        ],
    )
    names = list(sizes[-1]["steps"])
    print_table(
        "Where it goes, CPU seconds (under the profiler)",
        ("MP", *names),
        [
            (f"{s['megapixels']:.0f}", *(f"{s['steps'].get(name, 0):.2f}" for name in names))
            for s in sizes
        ],
    )


if __name__ == "__main__":
    main()
