"""Pairs of files: which noisy image belongs to which clean one."""

from collections.abc import Sequence
from pathlib import Path

__all__ = ["match_names"]


def match_names(clean: Sequence[Path], noisy: Sequence[Path], *folders: Path) -> dict[Path, Path]:
    """Return the noisy partner of each clean image: of the same name, or only another suffix.

    Parameters
    ----------
    clean, noisy : sequences of Path
        Names in their folders.
    *folders : Path
        Of the clean and of the noisy images, for messages.

    Raises
    ------
    FileNotFoundError
        A clean image has no partner.
    ValueError
        It may have two, or is one of two that may have the same.
    """
    available = set(noisy)
    by_stem: dict[Path, list[Path]] = {}
    for name in noisy:
        by_stem.setdefault(name.with_suffix(""), []).append(name)
    partners, missing = {}, []
    for name in clean:
        candidates = [name] if name in available else by_stem.get(name.with_suffix(""), [])
        if len(candidates) > 1:
            listed = " and ".join(str(folders[1] / candidate) for candidate in candidates)
            raise ValueError(f"{folders[0] / name}: its noisy image may be {listed}: keep one")
        if candidates:
            partners[name] = candidates[0]
        else:
            missing.append(name)
    if missing:
        raise FileNotFoundError(
            f"{folders[1] / missing[0]}: {len(missing)} of {len(clean)} clean "
            "images have no noisy image of the same name"
        )
    _refuse_shared(partners, *folders)
    return partners


def _refuse_shared(partners: dict[Path, Path], clean: Path, noisy: Path) -> None:
    taken: dict[Path, Path] = {}
    for name, partner in partners.items():
        if partner in taken:
            raise ValueError(
                f"{noisy / partner}: its clean image may be {clean / taken[partner]} and "
                f"{clean / name}: keep one"
            )
        taken[partner] = name
