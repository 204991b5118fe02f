"""What a file may have before any pixel is decoded. Apart from codecs, so that nothing heavy is loaded for them."""

MAX_BYTES = 64 * 1024 * 1024
MAX_PIXELS = 60_000_000
MAX_SIDE = 32_766  # OpenCV moves no longer picture
MIN_BYTES = 1024
