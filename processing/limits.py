"""What a file may have before any pixel is decoded. Apart from codecs, so that nothing heavy is loaded for them."""

MAX_BYTES = 64 * 1024 * 1024
MAX_PIXELS = 60_000_000
MAX_SIDE = 32_766  # OpenCV moves no longer picture
MIN_BYTES = 1024
MAX_FRAMES = 200
"""Pictures in one file. Only the first is ever decoded; the others cost time to count."""
MAX_SCANS = 100
"""Passes over a progressive JPEG; libvips draws the same line."""
MAX_SCANNED = 1_000_000_000
"""Pixels times passes: 16 scans of the largest picture, where encoders write up to 12."""
MAX_CHUNKS = 50_000
"""Pieces of a PNG: libpng writes one for 8 KB, so the largest file we take has 8,000."""
MAX_RATIO = 100
"""The longer side in shorter ones, asked of pictures over RATIO_FROM px."""
RATIO_FROM = 1000
