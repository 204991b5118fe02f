"""Background processes give way to the web server's (reviewapp/jobs/manners.py)."""

from __future__ import annotations

import subprocess
import sys

CODE = "import os; from reviewapp.jobs import manners; manners.let_people_go_first(); print(os.nice(0))"


def test_a_background_process_and_its_children_give_way() -> None:
    child = f"import subprocess, sys; {CODE}; subprocess.run([sys.executable, '-c', 'import os; print(os.nice(0))'])"
    before = subprocess.run([sys.executable, "-c", "import os; print(os.nice(0))"], capture_output=True, text=True)
    printed = subprocess.run([sys.executable, "-u", "-c", child], capture_output=True, text=True, check=True).stdout
    expected = min(19, int(before.stdout) + 10)
    assert printed.split() == [str(expected), str(expected)]
