"""What the desk is compared with: OpenSeadragon opening an image per decision, and one page load per decision."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

PACKAGE = "openseadragon"
PAGE = """<!DOCTYPE html><html lang="en"><title>OpenSeadragon</title><style>
body { margin: 0; background: #303030; display: grid; grid-template: 86px 1fr 84px / 1fr 1fr;
  height: 100vh; gap: 0 2px; }
.pane { grid-row: 2; min-height: 0; }</style><div class="pane" id="a"></div><div class="pane" id="b"></div>
<script src="/peer/openseadragon.min.js"></script><script>
const make = (id) => OpenSeadragon({ id, drawer: 'canvas', showNavigationControl: false, immediateRender: true,
  blendTime: 0, animationTime: 0 });
const viewers = [make('a'), make('b')];
const warm = new Map();
let pictures = [], at = -1, open = 0;
for (const viewer of viewers) viewer.addHandler('open', () => { open += 1; });
const ahead = () => { for (const one of pictures.slice(at + 1, at + 5)) for (const url of [one.before, one.after]) {
  if (warm.has(url)) continue;
  const image = new Image(); image.src = url; warm.set(url, image); image.decode(); } };
globalThis.next = () => { at += 1; const one = pictures[at];
  viewers.forEach((viewer, n) => viewer.open({ type: 'image', url: n ? one.after : one.before }));
  setTimeout(ahead, 0); };
globalThis.start = (list) => { pictures = list; next(); };
globalThis.opened = () => open;
addEventListener('keydown', (event) => { if (event.key === 'a') next(); });
</script></html>"""
"""Two viewers where the desk has its panes, set up for speed: no animation, no blending, its canvas drawer, the next
four pairs fetched and decoded ahead."""


class NoPackage(RuntimeError):
    """OpenSeadragon can't be fetched here."""


def fetch(folder: Path) -> tuple[str, str]:
    """Fetch the npm package into `folder`; return (its script, its version). Raises NoPackage with the reason."""
    npm = shutil.which("npm")
    if npm is None:
        raise NoPackage("npm is not installed")
    done = subprocess.run([npm, "pack", PACKAGE, "--silent"], cwd=folder, capture_output=True, text=True, check=False)
    archives = sorted(folder.glob(f"{PACKAGE}-*.tgz"))
    if done.returncode or not archives:
        raise NoPackage(f"npm pack {PACKAGE} failed: {(done.stderr or done.stdout).strip()[-200:]}")
    with tarfile.open(archives[0]) as archive:
        script = archive.extractfile("package/build/openseadragon/openseadragon.min.js")
        assert script is not None
        return script.read().decode("utf-8"), archives[0].stem.removeprefix(f"{PACKAGE}-")


def serve(context: Any, origin: str, script: str) -> None:
    """Answer /peer/ on the site's own origin, so that the peer loads its pictures with the same session and cache."""
    context.route(f"{origin}/peer/", lambda route: route.fulfill(body=PAGE, content_type="text/html"))
    context.route(
        f"{origin}/peer/{PACKAGE}.min.js", lambda route: route.fulfill(body=script, content_type="text/javascript")
    )
