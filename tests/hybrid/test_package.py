import subprocess
import sys

import pytest

import hybrid


def test_every_public_name_is_there():
    assert all(getattr(hybrid, name) is not None for name in hybrid.__all__)
    assert set(hybrid.__all__) <= set(dir(hybrid))
    with pytest.raises(AttributeError, match="module 'hybrid' has no attribute 'nothing'"):
        hybrid.nothing  # noqa: B018


def test_import_alone_loads_no_torch():
    script = "import hybrid, sys; sys.exit(bool({'torch', 'numba'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", script]).returncode == 0


def test_without_torch_it_is_said_what_to_install():
    script = "import sys; sys.modules['torch'] = None; import hybrid; hybrid.denoise"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert "ModuleNotFoundError: hybrid needs PyTorch: install the extra `hybrid`" in done.stderr


def test_training_explains_itself_without_torch():
    script = "import sys; sys.modules['torch'] = None; from hybrid.train import main; main({!r})"
    helped = subprocess.run(
        [sys.executable, "-c", script.format(["--help"])], capture_output=True, text=True
    )
    assert (helped.returncode, "CONFIG.toml" in helped.stdout) == (0, True)


def test_networks_need_torch_alone():
    script = """
import sys
for name in ("skimage", "imageio", "pooch", "rich", "matplotlib"):
    sys.modules[name] = None
import numpy as np, hybrid
hybrid.denoise(np.zeros((9, 9)))
hybrid.load("edsr16_standard_25").denoise(np.zeros((9, 9)))
"""
    subprocess.run([sys.executable, "-c", script], check=True)
