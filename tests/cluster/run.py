# SPDX-License-Identifier: Apache-2.0
"""Every test of this folder, one after the other. Exit status 1 if one fails; 77, a skip, if none can run."""
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
statuses = [subprocess.run([sys.executable, test], check=False).returncode for test in sorted(HERE.glob("test_*.py"))]
failed = [status for status in statuses if status not in (0, 77)]
sys.exit(1 if failed else 0 if 0 in statuses else 77)
