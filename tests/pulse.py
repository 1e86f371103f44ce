"""A private PulseAudio without a sound card: a virtual loudspeaker to listen to, a virtual microphone to talk into.

program ─► sink `speaker` ─► speaker.monitor ─► record()
play()  ─► sink `micfeed` ─► source `mic`    ─► program
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

RATE = 48000
_FORMAT = ["--format=s16le", f"--rate={RATE}", "--channels=1"]
_PROMPT = ["--latency-msec=10", "--process-time-msec=5"]
_AHEAD = ["--latency-msec=1000"]
"""A player whose sound is known long before needs no hurry: a busy machine leaves no hole in it."""


class Pulse:
    """One running daemon; `environment` is what a program needs to use it and nothing else."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = folder / "s"
        self.environment = {
            **os.environ,
            "PULSE_SERVER": f"unix:{self.socket}",
            "XDG_RUNTIME_DIR": str(folder / "run"),
            "HOME": str(folder / "home"),
        }
        self.environment.pop("PULSE_SINK", None)
        self.environment.pop("PULSE_SOURCE", None)
        self._daemon: subprocess.Popen[bytes] | None = None
        self._players: list[subprocess.Popen[bytes]] = []
        self._talkers: list[subprocess.Popen[bytes]] = []
        self._awake_sinks: set[str] = set()

    def start(self, *, awake: bool = True) -> None:
        for name in ("run", "home"):
            (self.folder / name).mkdir(mode=0o700, exist_ok=True)
        modules = [
            f"module-native-protocol-unix auth-anonymous=1 socket={self.socket}",
            "module-null-sink sink_name=speaker rate=48000",
            "module-null-sink sink_name=micfeed rate=48000",
            "module-remap-source source_name=mic master=micfeed.monitor",
        ]
        command = ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", f"--log-target=file:{self.folder}/log"]
        for module in modules:
            command += ["-L", module]
        self._daemon = self._spawn(command)
        self._await(lambda: self._control("set-default-sink", "speaker"), 10.0)
        self._control("set-default-source", "mic")
        for name in ("speaker", "micfeed"):
            self._keep_awake(name)
        if awake:
            self._await(self._awake, 20.0)

    def stop(self) -> None:
        """End everything that this server started, by pid. May be called twice."""
        self.hush()
        for process in [*self._players, *([self._daemon] if self._daemon else [])]:
            process.kill()
            process.wait(10)
        self._players, self._daemon = [], None
        self._awake_sinks.clear()

    def kill_daemon(self) -> None:
        """What happens to programs when the sound server crashes."""
        assert self._daemon is not None
        self._daemon.kill()
        self._daemon.wait(10)

    def freeze_daemon(self) -> None:
        """What a hung driver or an unplugged card does to programs: nothing comes any more, and nobody says so."""
        assert self._daemon is not None
        self._daemon.send_signal(signal.SIGSTOP)

    def record(self, seconds: float, device: str = "speaker.monitor") -> np.ndarray:
        """What the loudspeaker plays from now on: int16, mono, 48 kHz."""
        wanted = int(seconds * RATE) * 2
        return self._recorded(wanted, device)[0]

    def live(self, device: str) -> np.ndarray | None:
        """0.2 s of what this monitor or microphone gives; None unless it comes in real time: not all at once, as from
        a null sink that has rendered ahead. However long the recorder takes to start."""
        samples, seconds = self._recorded(RATE // 5 * 2, device)
        return samples if seconds > 0.1 else None

    def _recorded(self, wanted: int, device: str) -> tuple[np.ndarray, float]:
        """So many bytes, and the seconds from the first of them to the last."""
        recorder = self._spawn(["pacat", "-r", f"--device={device}", *_FORMAT, *_PROMPT], stdout=subprocess.PIPE)
        try:
            assert recorder.stdout is not None
            first = recorder.stdout.read(2)
            began = time.monotonic()
            samples = np.frombuffer(first + recorder.stdout.read(wanted - 2), np.int16)
            return samples, time.monotonic() - began
        finally:
            recorder.kill()
            recorder.wait(10)
            if recorder.stdout:
                recorder.stdout.close()

    def play(self, samples: np.ndarray, device: str = "micfeed") -> None:
        """Talk into the microphone: int16, mono, 48 kHz; goes on in the background."""
        self._keep_awake(device)
        path = self.folder / f"play{len(self._talkers)}.raw"
        path.write_bytes(samples.astype(np.int16).tobytes())
        self._talkers.append(self._spawn(["pacat", "-p", f"--device={device}", *_FORMAT, *_AHEAD, str(path)]))

    def hush(self) -> None:
        """Nobody talks any more."""
        for process in self._talkers:
            process.kill()
            process.wait(10)
        self._talkers.clear()

    def _keep_awake(self, sink: str) -> None:
        """Somebody in a hurry makes the sink work in steps of 10 ms; left alone, a null sink renders up to 2 s ahead,
        so that its monitor lags and loses sound."""
        if sink not in self._awake_sinks:
            self._awake_sinks.add(sink)
            self._players.append(self._spawn(["pacat", "-p", f"--device={sink}", *_PROMPT, "/dev/zero"]))

    def load(self, module: str) -> str:
        """Plug something in: a module with its arguments; gives what `unload` takes."""
        done = subprocess.run(
            ["pactl", "load-module", *module.split(" ", 1)], env=self.environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def unload(self, module: str) -> None:
        """Pull it out: by what `load` gave, or all modules of that name."""
        assert self._control("unload-module", module)

    def _awake(self) -> bool:
        """True once the monitors give sound in real time."""
        return self.live("speaker.monitor") is not None and self.live("mic") is not None

    def _spawn(self, command: list[str], stdout: int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command, env=self.environment, stdout=stdout, stderr=subprocess.DEVNULL, start_new_session=True
        )

    def _control(self, *arguments: str) -> bool:
        return subprocess.run(["pactl", *arguments], env=self.environment, capture_output=True).returncode == 0

    def _await(self, condition: object, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not condition():  # type: ignore[operator]
            if time.monotonic() > deadline:
                raise TimeoutError(f"PulseAudio was not ready after {seconds} s; see {self.folder}/log")


@contextlib.contextmanager
def pulse_server(*, awake: bool = True) -> Iterator[Pulse]:
    """A daemon of its own for the length of a `with`; its folder has a short name, as socket paths must be short.

    `awake=False` does not wait until its monitors can be recorded, which takes 2 s.
    """
    folder = Path(tempfile.mkdtemp(prefix="pulse"))
    server = Pulse(folder)
    try:
        server.start(awake=awake)
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
