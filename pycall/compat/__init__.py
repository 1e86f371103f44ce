"""The documented names of TUICallEngine, TUICallKit and TRTCCalling over `CallEngine`; no behaviour of their own."""
