"""The plain batch tool: resize, compress and convert pictures with libvips. No cut-out, no score."""
