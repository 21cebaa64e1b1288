#!/usr/bin/env python3
"""Detectors side by side on the same decoded frames: `ball` of rebound against OpenCV's threshold and moments.

Writes the frames of a scene, codes and decodes them with GStreamer, and measures the distance from each detector's
answer to the truth. How to run it: README.md beside this file.
"""

import argparse
import json
import subprocess
import time
from pathlib import Path

import cv2
import numpy as np

REPOSITORY = Path(__file__).resolve().parents[2]
CODERS = {
    "raw": None,
    "x264": "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=120 bitrate={kbps} ! h264parse ! avdec_h264",
    "openh264": "openh264enc complexity=low rate-control=bitrate usage-type=camera gop-size=120 bitrate={bps} "
    "! h264parse ! avdec_h264",
    "vp8": "vp8enc deadline=1 cpu-used=8 keyframe-max-dist=120 end-usage=cbr target-bitrate={bps} ! vp8dec",
}
# Scene, width, height, frames per second, kbit/s. Widths are multiples of 8: planes without padding, easy to read.
CASES = [("ball", 1280, 720, 60, 3000), ("hard", 640, 480, 30, 1000), ("hard", 1920, 1080, 30, 3000)]
# Otsu's threshold takes bright background for ball on `hard`; 150 was the best fixed one.
THRESHOLDS = {"OpenCV, Otsu": 0, "OpenCV, 150": 150, "OpenCV, 180": 180, "OpenCV, grey": 120}


def example(name, *arguments):
    """One JSON value a line, from an example of the crate."""
    command = ["cargo", "run", "--quiet", "--release", "--example", name, "--", *map(str, arguments)]
    out = subprocess.run(command, cwd=REPOSITORY, check=True, stdout=subprocess.PIPE, text=True)
    return [json.loads(line) for line in out.stdout.splitlines()]


def code(raw, coded, launch, width, height, fps, kbps):
    """Encodes and decodes; the path of the decoded frames."""
    if launch is None:
        return raw
    command = (
        f"gst-launch-1.0 -q filesrc location={raw} ! rawvideoparse format=i420 width={width} height={height} "
        f"framerate={fps}/1 ! {launch.format(kbps=kbps, bps=kbps * 1000)} ! videoconvert ! video/x-raw,format=I420 "
        f"! filesink location={coded}"
    )
    subprocess.run(command.split(), check=True)
    return coded


def opencv(luma, threshold):
    """The centroid of the largest blob brighter than a threshold (0: Otsu's)."""
    flag = cv2.THRESH_BINARY if threshold else cv2.THRESH_BINARY + cv2.THRESH_OTSU
    _, mask = cv2.threshold(luma, threshold, 255, flag)
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not contours:
        return None
    x, y, width, height = cv2.boundingRect(max(contours, key=cv2.contourArea))
    m = cv2.moments(mask[y : y + height, x : x + width], binaryImage=True)
    return np.array([x + m["m10"] / m["m00"], y + m["m01"] / m["m00"]])


def opencv_grey(luma, threshold):
    """The centroid of all that is brighter than a threshold, weighted by how much brighter."""
    m = cv2.moments(cv2.subtract(luma, threshold))
    return np.array([m["m10"], m["m01"]]) / m["m00"] if m["m00"] else None


def report(name, errors, note=""):
    found = np.array([error for error in errors if error is not None])
    p50, p95 = np.percentile(found, [50, 95]) if len(found) else (np.nan, np.nan)
    most = found.max(initial=0)
    print(f"  {name:14} p50 {p50:7.3f}  p95 {p95:7.3f}  max {most:7.3f} px  found {len(found)}/{len(errors)}{note}")


def compare(case, coder, frames, folder):
    scene, width, height, fps, kbps = case
    raw = folder / "raw.i420"
    truth = [np.array(objects[0][:2]) for objects in example("scene_file", scene, f"{width}x{height}", fps, frames, raw)]
    path = code(raw, folder / "coded.i420", CODERS[coder], width, height, fps, kbps)
    data = np.fromfile(path, np.uint8).reshape(-1, height * 3 // 2, width)[:, :height]
    print(f"{scene} {width}x{height}@{fps} {coder}{'' if coder == 'raw' else f' {kbps} kbit/s'}")
    if len(data) != frames:
        raise SystemExit(f"{len(data)} frames came back of {frames}")
    for name, threshold in THRESHOLDS.items():
        begin = time.perf_counter()
        centroid = opencv_grey if name == "OpenCV, grey" else opencv
        answers = [centroid(luma, threshold) for luma in data]
        micros = (time.perf_counter() - begin) / frames * 1e6
        errors = [None if answer is None else np.hypot(*(answer - t)) for answer, t in zip(answers, truth)]
        report(name, errors, f"  {micros:.0f} us a frame")
    sightings = example("detect_file", "ball", f"{width}x{height}", path)
    nearest = [min((np.hypot(*(np.array(s[:2]) - t)) for s in seen), default=None) for seen, t in zip(sightings, truth)]
    report("rebound ball", nearest, f"  false finds {sum(max(0, len(seen) - 1) for seen in sightings)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--folder", type=Path, default=Path("/tmp/rebound-opencv"), help="for the pictures: up to 2 GB")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    cv2.setNumThreads(1)
    for case in CASES:
        for coder in CODERS:
            compare(case, coder, options.frames, options.folder)


if __name__ == "__main__":
    main()
