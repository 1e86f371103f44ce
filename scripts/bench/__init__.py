"""The media benchmark: pycall, stock aiortc and Chromium at the same work, side by side."""
