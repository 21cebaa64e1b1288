#!/usr/bin/env python3
"""Detectors side by side on the same decoded frames: `ball` of rebound against OpenCV's threshold and moments.

Draws scenes with known truth, codes them with GStreamer, decodes them, and measures the distance from each
detector's answer to the truth. How to run it: README.md beside this file.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np

REPOSITORY = Path(__file__).resolve().parents[2]
RADIUS_PX = 20.0
SUB = 8  # samples a pixel in each direction, for area coverage
SPEED_PX = np.array([4.37, 3.11])  # per frame; irrational enough that all sub-pixel positions occur

ENCODERS = {
    "raw": None,
    "x264": "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=120 bitrate={kbps} ! h264parse ! avdec_h264",
    "openh264": "openh264enc complexity=low rate-control=bitrate usage-type=camera gop-size=120 bitrate={bps} "
    "! h264parse ! avdec_h264",
    "vp8": "vp8enc deadline=1 cpu-used=8 keyframe-max-dist=120 end-usage=cbr target-bitrate={bps} ! vp8dec",
}
CASES = [("clean", 1280, 720, 60, 3000), ("hard", 640, 480, 30, 1000)]


def bounce(start, speed, low, high):
    """Position on a line with mirrors at both ends."""
    span = high - low
    phase = np.mod(start - low + speed, 2 * span)
    return low + (phase if phase <= span else 2 * span - phase)


def centre(frame, width, height):
    margin = RADIUS_PX - 0.5  # touches the border
    return np.array(
        [
            bounce(width * 0.31, SPEED_PX[0] * frame, margin, width - 1 - margin),
            bounce(height * 0.47, SPEED_PX[1] * frame, margin, height - 1 - margin),
        ]
    )


def background(scene, width, height):
    if scene == "clean":
        return np.full((height, width), 16.0)
    y, x = np.mgrid[:height, :width]
    noise = np.random.default_rng(1).normal(0, 6, (height, width))
    return 40 + 50 * x / width + 40 * y / height + noise


def paint(picture, scene, at):
    """Blends the ball in: area coverage on clean, a ramp of 3 px on hard."""
    ramp = 1 / SUB if scene == "clean" else 3.0
    x0, y0 = np.maximum(np.floor(at - RADIUS_PX - 4).astype(int), 0)
    patch = picture[y0 : y0 + int(2 * RADIUS_PX) + 10, x0 : x0 + int(2 * RADIUS_PX) + 10]  # a view, cut at the border
    height, width = patch.shape
    offsets = (np.arange(SUB) + 0.5) / SUB - 0.5
    xs = (np.arange(x0, x0 + width)[:, None] + offsets).ravel()
    ys = (np.arange(y0, y0 + height)[:, None] + offsets).ravel()
    distance = np.hypot(ys[:, None] - at[1], xs[None, :] - at[0])
    cover = np.clip((RADIUS_PX - distance) / ramp + 0.5, 0, 1).reshape(height, SUB, width, SUB).mean(axis=(1, 3))
    patch += (235 - patch) * cover


def render(path, scene, width, height, frames):
    truth = []
    still = background(scene, width, height)
    grey = np.full(width * height // 2, 128, np.uint8)
    with open(path, "wb") as out:
        for frame in range(frames):
            picture = still.copy()
            at = centre(frame, width, height)
            paint(picture, scene, at)
            out.write(np.clip(np.rint(picture), 16, 235).astype(np.uint8).tobytes())
            out.write(grey.tobytes())
            truth.append(at.tolist())
    return truth


def code(raw, coded, launch, width, height, fps, kbps):
    if launch is None:
        return raw
    text = launch.format(kbps=kbps, bps=kbps * 1000)
    command = (
        f"gst-launch-1.0 -q filesrc location={raw} ! rawvideoparse format=i420 width={width} height={height} "
        f"framerate={fps}/1 ! {text} ! videoconvert ! video/x-raw,format=I420 ! filesink location={coded}"
    )
    subprocess.run(command.split(), check=True)
    return coded


def opencv(luma, fixed):
    """Centroid of what is brighter than a threshold (Otsu's, or a fixed one), the largest blob only."""
    flag = cv2.THRESH_BINARY if fixed else cv2.THRESH_BINARY + cv2.THRESH_OTSU
    _, mask = cv2.threshold(luma, fixed or 0, 255, flag)
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not contours:
        return None
    largest = max(contours, key=cv2.contourArea)
    x, y, w, h = cv2.boundingRect(largest)
    m = cv2.moments(mask[y : y + h, x : x + w], binaryImage=True)
    return np.array([x + m["m10"] / m["m00"], y + m["m01"] / m["m00"]])


def rebound(path, width, height):
    """All sightings of each frame, from the example `detect_file`."""
    binary = ["cargo", "run", "--quiet", "--release", "--example", "detect_file", "--"]
    out = subprocess.run(
        [*binary, "ball", f"{width}x{height}", str(path)], cwd=REPOSITORY, check=True, capture_output=True, text=True
    )
    return [json.loads(line) for line in out.stdout.splitlines()]


def summary(errors):
    found = np.array([e for e in errors if e is not None])
    if len(found) == 0:
        return "nothing found"
    p50, p95 = np.percentile(found, [50, 95])
    return f"p50 {p50:.3f}  p95 {p95:.3f}  max {found.max():.3f} px  found {len(found)}/{len(errors)}"


def compare(case, encoder, frames, folder):
    scene, width, height, fps, kbps = case
    raw = folder / f"{scene}-{width}.i420"
    truth = render(raw, scene, width, height, frames)
    path = code(raw, folder / f"{scene}-{width}-{encoder}.i420", ENCODERS[encoder], width, height, fps, kbps)
    data = np.fromfile(path, np.uint8).reshape(-1, height * 3 // 2, width)[:, :height]
    print(f"{scene} {width}x{height}@{fps} {encoder} {kbps if encoder != 'raw' else '-'} kbit/s, {len(data)} frames")
    for name, fixed in [("OpenCV, Otsu's threshold", 0), ("OpenCV, threshold 180", 180)]:
        answers = [opencv(luma, fixed) for luma in data]
        errors = [None if a is None else float(np.hypot(*(a - t))) for a, t in zip(answers, truth)]
        print(f"  {name:26}{summary(errors)}")
    sightings = rebound(path, width, height)
    errors = [min((np.hypot(*(np.array(s[:2]) - t)) for s in seen), default=None) for seen, t in zip(sightings, truth)]
    false = sum(max(0, len(seen) - 1) for seen in sightings)
    print(f"  {'rebound ball':26}{summary(errors)}  false finds {false}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--folder", type=Path, default=Path("/tmp/rebound-opencv"), help="for the pictures: about 1 GB")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    for case in CASES:
        for encoder in ENCODERS:
            compare(case, encoder, options.frames, options.folder)


if __name__ == "__main__":
    sys.exit(main())
