#!/usr/bin/env python3
"""rebound's receiver and an aiortc one, each alone with the same `rebound send --frame-code`, and the ratios. See README.md."""
import argparse, json, resource, signal, subprocess, sys, tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent


def python():
    """The interpreter of a virtual environment with aiortc in it; made if it is not there."""
    subprocess.run([ROOT / "scripts/peers-venv.sh"], stdout=sys.stderr, check=True)
    return ROOT / "target/peers-venv/bin/python"


def cpu_s():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def measure(rebound, options, receiver):
    """One run with one receiver: the report, and processor seconds of both ends."""
    before = cpu_s()
    with tempfile.TemporaryDirectory() as directory:
        report = Path(directory) / "report.json"
        command = [rebound, "send", "--frame-code", "--port", "0", "--report", report, *options]
        sender = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        url = next(line.split()[-1] for line in sender.stderr if "receivers may come to ws://" in line)
        peer = subprocess.Popen([*receiver, url], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            sender.communicate(timeout=120)
            peer.send_signal(signal.SIGTERM)
            errors = peer.communicate(timeout=20)[1]
        finally:
            for process in (sender, peer):
                process.kill()
                process.wait()
        if not report.exists():
            sys.exit(f"no report of {receiver}: {errors}")
        return json.loads(report.read_text()), cpu_s() - before


def row(report, cpu):
    latency, error, frames = report["latency_ms"], report["error_px"], report["frames"]
    return {
        "matched %": 100 * frames["matched"] / max(1, frames["encoded"]),
        "latency p50 ms": latency["p50"],
        "latency p95 ms": latency["p95"],
        "latency p99 ms": latency["p99"],
        "error p50 px": error["p50"],
        "error p95 px": error["p95"],
        "error max px": error["max"],
        "CPU s / 1000 frames, both ends": 1000 * cpu / max(1, frames["encoded"]),
        "first coordinate ms": report["first_coordinate_ms"],
        "codes agree": report["witness"]["agree"],
        "codes disagree": report["witness"]["disagree"],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rebound", default=ROOT / "target/release/rebound", type=Path)
    parser.add_argument("--seconds", default=10, type=int)
    parser.add_argument("--codec", default="vp8", choices=["vp8", "h264"])
    parser.add_argument("options", nargs="*", help="for `rebound send`, after --")
    given = parser.parse_args()
    options = ["--codec", given.codec, "--duration", f"{given.seconds}s", *given.options]
    receivers = {
        "rebound": [given.rebound, "receive", "--quiet"],
        "aiortc": [python(), HERE / "aiortc_peer.py", given.codec.upper()],
    }
    results = {}
    for name, command in receivers.items():
        results[name] = row(*measure(given.rebound, options, command))
    print(f"{'':32}{'rebound':>12}{'aiortc':>12}{'ratio':>10}")
    for figure in results["rebound"]:
        ours, theirs = (results[name][figure] for name in ("rebound", "aiortc"))
        ratio = f"{theirs / ours:10.1f}" if ours and theirs is not None else f"{'-':>10}"
        shown = [f"{value:12.3f}" if value is not None else f"{'-':>12}" for value in (ours, theirs)]
        print(f"{figure:32}{shown[0]}{shown[1]}{ratio}")


if __name__ == "__main__":
    main()
