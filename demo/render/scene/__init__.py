"""Studio, geometry and material helpers for the demo renders (run inside Blender)."""
