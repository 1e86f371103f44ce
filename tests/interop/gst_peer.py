"""An end of a call made of GStreamer's webrtcbin, for the system's Python: JSON lines in, JSON lines out.

In: `role` first ({"offers": bool, "video": "VP8" or "H264"}), then `offer`, `answer` and `candidate`. Out: the same
three, and what it hears (`heard`, Hz) and sees (`saw`, the number drawn in the picture).
"""

from __future__ import annotations

import json
import re
import sys
import threading
from typing import Any

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstWebRTC", "1.0")
gi.require_version("GstSdp", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402

STRIPES = 16
SOURCES = (
    "webrtcbin name=peer bundle-policy=max-bundle "
    "audiotestsrc is-live=true freq=1000 volume=0.5 ! audio/x-raw,rate=48000,channels=1 ! opusenc ! "
    "rtpopuspay pt={opus} ! application/x-rtp,media=audio,encoding-name=OPUS,payload={opus} ! peer. "
    "videotestsrc is-live=true pattern=ball ! video/x-raw,format=I420,width=320,height=240,framerate=15/1 ! "
    "{encoder} ! application/x-rtp,media=video,encoding-name={video},payload={type} ! peer. "
)
ENCODERS = {
    "VP8": "vp8enc deadline=1 keyframe-max-dist=30 ! rtpvp8pay pt={type} picture-id-mode=15-bit",
    "H264": "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=30 bitrate=500 ! "
    "video/x-h264,profile=constrained-baseline ! rtph264pay pt={type} config-interval=-1 aggregate-mode=zero-latency",
}
SOUND_SINK = "audioconvert ! audioresample ! audio/x-raw,format=S16LE,rate=48000,channels=1"
PICTURE_SINK = "videoconvert ! video/x-raw,format=GRAY8"


def tell(what: str, **fields: Any) -> None:
    sys.stdout.write(json.dumps({"what": what, **fields}) + "\n")
    sys.stdout.flush()


class GstPeer:
    """One call."""

    def __init__(self, role: dict[str, Any]) -> None:
        self._role = role
        self._pipeline: Any = None
        self._peer: Any = None
        self._kept: list[Any] = []  # a promise's reply dies with the Python object
        self._samples: list[int] = []
        if role["offers"]:
            self._start(opus=111, type=97)

    def take(self, line: dict[str, Any]) -> None:
        if line["what"] == "candidate":
            self._peer.emit("add-ice-candidate", line["index"], line["candidate"])
            return
        if line["what"] == "offer":
            types = {name: int(pt) for pt, name in re.findall(r"a=rtpmap:(\d+) (\w+)/", line["sdp"])[::-1]}
            self._start(opus=types["opus"], type=types[self._role["video"]])
        kind = GstWebRTC.WebRTCSDPType.OFFER if line["what"] == "offer" else GstWebRTC.WebRTCSDPType.ANSWER
        _, message = GstSdp.SDPMessage.new_from_text(line["sdp"])
        description = GstWebRTC.WebRTCSessionDescription.new(kind, message)
        then = self._answer if line["what"] == "offer" else None
        self._peer.emit("set-remote-description", description, Gst.Promise.new_with_change_func(self._done, then))

    def _start(self, opus: int, type: int) -> None:
        video = self._role["video"]
        encoder = ENCODERS[video].format(type=type)
        self._pipeline = Gst.parse_launch(SOURCES.format(opus=opus, type=type, video=video, encoder=encoder))
        self._peer = self._pipeline.get_by_name("peer")
        self._peer.connect("on-ice-candidate", lambda _, index, text: tell("candidate", index=index, candidate=text))
        self._peer.connect("pad-added", self._pad_added)
        if self._role["offers"]:
            self._peer.connect("on-negotiation-needed", lambda _: self._create("offer"))
        self._pipeline.set_state(Gst.State.PLAYING)

    def _answer(self) -> None:
        self._create("answer")

    def _create(self, kind: str) -> None:
        self._peer.emit(f"create-{kind}", None, Gst.Promise.new_with_change_func(self._created, kind))

    def _created(self, promise: Any, kind: str) -> None:
        reply = promise.get_reply()
        self._kept.append(reply)
        description = reply.get_value(kind)
        self._peer.emit("set-local-description", description, Gst.Promise.new_with_change_func(self._done, None))
        tell(kind, sdp=description.sdp.as_text())

    def _done(self, promise: Any, then: Any) -> None:
        if then is not None:
            then()

    def _pad_added(self, _: Any, pad: Any) -> None:
        if pad.direction != Gst.PadDirection.SRC:
            return
        decoder = Gst.ElementFactory.make("decodebin", None)
        decoder.connect("pad-added", self._decoded)
        self._pipeline.add(decoder)
        decoder.sync_state_with_parent()
        pad.link(decoder.get_static_pad("sink"))

    def _decoded(self, _: Any, pad: Any) -> None:
        sound = pad.get_current_caps().to_string().startswith("audio")
        chain = SOUND_SINK if sound else PICTURE_SINK
        sink = Gst.parse_bin_from_description(f"queue ! {chain} ! appsink name=out emit-signals=true sync=false", True)
        sink.get_by_name("out").connect("new-sample", self._hear if sound else self._see)
        self._pipeline.add(sink)
        sink.sync_state_with_parent()
        pad.link(sink.get_static_pad("sink"))

    def _hear(self, out: Any) -> Any:
        data = _bytes_of(out.emit("pull-sample"))
        self._samples += memoryview(data).cast("h").tolist()
        if len(self._samples) >= 24000:
            signs = [sample >= 0 for sample in self._samples]
            crossings = sum(a != b for a, b in zip(signs, signs[1:], strict=False))
            tell("heard", hertz=crossings * 24000 / len(signs), peak=max(self._samples))
            self._samples.clear()
        return Gst.FlowReturn.OK

    def _see(self, out: Any) -> Any:
        sample = out.emit("pull-sample")
        shape = sample.get_caps().get_structure(0)
        width, height = shape.get_value("width"), shape.get_value("height")
        data = _bytes_of(sample)
        stride = len(data) // height
        row = data[height // 8 * stride :][:width]
        middles = [(2 * bit + 1) * width // (2 * STRIPES) for bit in range(STRIPES)]
        number = sum((row[x] > 120) << bit for bit, x in enumerate(middles))
        tell("saw", number=number, width=width, height=height)
        return Gst.FlowReturn.OK


def _bytes_of(sample: Any) -> bytes:
    buffer = sample.get_buffer()
    return bytes(buffer.extract_dup(0, buffer.get_size()))


def main() -> None:
    Gst.init(None)
    loop = GLib.MainLoop()
    peer = GstPeer(json.loads(sys.stdin.readline()))

    def read() -> None:
        for line in sys.stdin:
            GLib.idle_add(peer.take, json.loads(line))
        GLib.idle_add(loop.quit)

    threading.Thread(target=read, name="stdin", daemon=True).start()
    loop.run()


if __name__ == "__main__":
    main()
