"""`pycall devices`: what can be named as a source or sink on this machine."""

from __future__ import annotations

import json as jsons
import sys

from .exit_codes import ExitCode
from .hardware import Device, find_audio, find_cameras, window_problem


def run(*, json: bool) -> ExitCode:
    """Print the devices; having none is no failure."""
    audio, cameras, window = find_audio(), find_cameras(), window_problem()
    if json:
        found = {
            "microphones": [{"name": d.name, "default": d.default} for d in audio.inputs],
            "speakers": [{"name": d.name, "default": d.default} for d in audio.outputs],
            "cameras": [{"selector": f"camera:{d.selector}", "name": d.name} for d in cameras],
            "window": window is None,
            "problems": [problem for problem in (audio.problem, window) if problem],
        }
        sys.stdout.write(jsons.dumps(found, ensure_ascii=False) + "\n")
        return ExitCode.OK
    none = audio.problem or "none found"
    lines = [
        *_section("Microphones (--audio-source)", "mic:", audio.inputs, none),
        *_section("Speakers (--audio-sink)", "speaker:", audio.outputs, none),
        *_section("Cameras (--video-source)", "camera:", cameras, "none found"),
        "Display (--video-sink)",
        f"  {window or 'window'}",
        "Always there",
        "  tone:440, file:PATH, null as --audio-source; pattern, file:PATH, null as --video-source",
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    return ExitCode.OK


def _section(title: str, prefix: str, devices: list[Device], none: str) -> list[str]:
    if not devices:
        return [title, f"  {none}"]
    return [title, *(_line(prefix, device) for device in devices)]


def _line(prefix: str, device: Device) -> str:
    if device.selector:
        return f"  {prefix}{device.selector}  {device.name}"
    return f"  {prefix}{device.name}{'  (default)' if device.default else ''}"
