"""How fast to send to a peer: feedback, rate estimate, probing, pacing and the picture that fits; all of it pure.

How it joins a transport, per peer:

- receiving: `FeedbackWriter.arrived` for each packet that carries the transport-wide number; when `due`, `build` until
  it gives None, each result being the FCI of one RTPFB packet of format 15;
- sending: all packets go through `Pacer.push` and `pop`; what pops gets the next transport-wide number (one sequence
  for the whole transport) and is told to `RateController.sent` with the pacer's `cluster`;
- incoming feedback, REMB and receiver reports go to the controller; then `pacer.rate = controller.pacing_rate`;
- every 50 to 100 ms: `tick`, and `probe`; a probe goes to `Pacer.start_probe`, and whenever `pop` gives None,
  `Pacer.padding` says how many bytes of padding or old packets to push as `PADDING`;
- media: `split(controller.target, ...)` sets the encoders' bitrates, a `Ladder` fed with the share of
  `controller.estimate` sets sizes and frame rates, and `Pacer.overfull` skips pictures.
"""

from .budget import Budget, split
from .controller import RateController
from .feedback import FeedbackWriter, parse_feedback
from .ladder import Ladder, Step
from .pacer import Pacer, PacketClass
from .probe import Probe
from .sent import PacketResult, SentLog

__all__ = [
    "Budget",
    "FeedbackWriter",
    "Ladder",
    "Pacer",
    "PacketClass",
    "PacketResult",
    "Probe",
    "RateController",
    "SentLog",
    "Step",
    "parse_feedback",
    "split",
]
