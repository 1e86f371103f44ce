"""The pure heart of pycall: types, errors, events, messages and the call machine; no I/O, no clock, no threads."""
