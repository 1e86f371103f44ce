"""RTCP: what is written can be read, by us and by aiortc; broken bytes raise one error."""

from __future__ import annotations

from contextlib import suppress

import pytest
from aiortc.rtp import RtcpByePacket, RtcpPacket, RtcpPsfbPacket, RtcpRtpfbPacket, RtcpSrPacket, pack_remb_fci
from hypothesis import given
from hypothesis import strategies as st

from pycall.core.errors import RemoteProtocolError
from pycall.rtc import rtcp
from pycall.rtc.rtcp import ReportBlock, SenderReport

BLOCK = ReportBlock(5, 0.25, -3, 70000, 12, 1, 0.5)
COMPOUND = (
    rtcp.write_sender_report(SenderReport(1, rtcp.ntp_time(1e9), 2, 3, 4, (BLOCK,)), "me")
    + rtcp.write_nack(1, 2, [65535, 0, 3, 100])
    + rtcp.write_picture_loss(1, 2)
    + bytes(RtcpPsfbPacket(fmt=15, ssrc=1, media_ssrc=0, fci=pack_remb_fci(1_234_567, [5, 6])))
    + rtcp.write_transport_feedback(1, 2, b"abcde")
    + bytes(RtcpByePacket([1]))
)


def test_everything_written_is_read_again_and_a_good_bye_is_passed_over() -> None:
    sender, nack, pli, remb, transport = rtcp.parse(COMPOUND)
    assert sender == SenderReport(1, rtcp.ntp_time(1e9), 2, 3, 4, (BLOCK,))
    assert nack == rtcp.Nack(2, (65535, 0, 3, 100))
    assert pli == rtcp.PictureLoss(2)
    assert isinstance(remb, rtcp.Remb)
    assert remb.bitrate == pytest.approx(1_234_567, rel=1e-4)
    assert remb.ssrcs == (5, 6)
    assert transport == rtcp.TransportFeedback(b"abcde\0\0\0")


def test_counts_and_clocks_wrap_in_a_long_call_and_after_2036() -> None:
    after = rtcp.ntp_time(2_085_978_496 + 90.0)
    written = rtcp.write_sender_report(SenderReport(1, after, 2**32 + 2, 2**32 + 3, 2**32 + 4), "me")
    assert rtcp.parse(written) == [SenderReport(1, 90 << 32, 2, 3, 4)]


def test_aiortc_reads_the_same() -> None:
    written = (
        rtcp.write_sender_report(SenderReport(1, 7, 2, 3, 4, (BLOCK,)), "me")
        + rtcp.write_nack(1, 2, [10, 12])
        + rtcp.write_picture_loss(1, 2)
    )
    report, _, nack, pli = RtcpPacket.parse(written)
    assert isinstance(report, RtcpSrPacket)
    assert (report.sender_info.ntp_timestamp, report.reports[0].packets_lost) == (7, -3)
    assert isinstance(nack, RtcpRtpfbPacket)
    assert nack.lost == [10, 12]
    assert isinstance(pli, RtcpPsfbPacket)
    assert pli.media_ssrc == 2


def test_fir_names_its_stream_in_the_entry() -> None:
    fir = bytes.fromhex("84ce000400000001000000000000002a01000000")
    assert rtcp.parse(fir) == [rtcp.PictureLoss(42)]


def test_time_is_kept_to_the_microsecond() -> None:
    assert rtcp.unix_time(rtcp.ntp_time(1_700_000_000.123456)) == pytest.approx(1_700_000_000.123456, abs=1e-6)


@given(st.data())
def test_broken_bytes_raise_one_error(data: st.DataObject) -> None:
    broken = bytearray(COMPOUND)
    for _ in range(data.draw(st.integers(1, 6))):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    with suppress(RemoteProtocolError):
        rtcp.parse(bytes(broken[: data.draw(st.integers(0, len(broken)))]))
