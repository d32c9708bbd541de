"""What enlarging banks are made of: what they refuse, and what they tell."""

import numpy as np
import pytest

from raisr import UpscalingBank
from raisr.phases import PhaseStage
from raisr.profiles import ProfileSpec, fit_edges
from raisr.validate import GrayImage

SPEC = ProfileSpec(
    directions=8, strength_edges=(), anisotropy_edges=(), position_edges=(), focus_edges=()
)


def filters(side=2, planes=1, size=3, count=SPEC.num_classes, last=None):
    """Filters that take the centre."""
    out = np.zeros((count, side, side, planes, size, last or size), np.float32)
    out[..., size // 2, size // 2] = 1
    return out


def stage(side=2, planes=1, step=1, **options):
    return PhaseStage(SPEC, filters(side, planes, **options), step=step)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            np.zeros((8, 2, 2, 3, 3)),
            r"must be \(classes, side, side, planes, size, size\), got shape",
        ),
        (filters()[:, :1], "must be .classes, side, side"),
        (filters(count=9), "8 classes need filters, got 9"),
        (filters(size=4), "must be of an odd side up to 15 on one plane or more"),
        (filters(size=17), "must be of an odd side up to 15 on one plane or more"),
        (filters(last=5), "must be of an odd side up to 15 on one plane or more"),
        (np.zeros((8, 2, 2, 1, 0, 0)), "must be of an odd side up to 15 on one plane or more"),
        (np.zeros((8, 2, 2, 0, 3, 3)), "must be of an odd side up to 15 on one plane or more"),
        (filters(side=16), "blocks of a side up to 15, got shape"),
        (np.full((8, 2, 2, 1, 3, 3), np.inf), "filters must be finite"),
    ],
)
def test_filters_that_are_none_are_refused(given, message):
    with pytest.raises(ValueError, match=message):
        PhaseStage(SPEC, given)


@pytest.mark.parametrize("margin", [1, -1, 0.5, None])
def test_a_margin_leaves_a_block(margin):
    with pytest.raises(ValueError, match="margin must leave a block of 2, got"):
        PhaseStage(SPEC, filters(), margin)


def test_planes_must_be_those_of_the_filters():
    image = GrayImage(np.zeros((4, 5), np.float32))
    message = "1 planes of .4, 5. are needed, and a result of .8, 10., got"
    classes = np.zeros((4, 5), np.uint16)
    for planes, shape in (([image, image], (8, 10)), ([image], (8, 11)), ([], (8, 10))):
        with pytest.raises(ValueError, match=message):
            stage().run(planes, classes, np.zeros(shape, np.float32), 255, 1)


def test_a_step_is_in_the_middle_of_filters():
    for size, step in ((3, 2), (2, 4), (4, 1)):
        with pytest.raises(ValueError, match="must be of an (odd|even) side up to 15 on one"):
            stage(step=step, size=size)
    weights = filters(size=4)
    weights[...] = 0
    image = np.random.default_rng(0).uniform(0, 255, (8, 10)).astype(np.float32)
    out = np.empty_like(image)
    classes = np.zeros((4, 5), np.uint16)
    PhaseStage(SPEC, weights, step=2).run([GrayImage(image)], classes, out, 255, 1)
    means = image.reshape(4, 2, 5, 2).mean(axis=(1, 3))
    np.testing.assert_allclose(out, np.kron(means, np.ones((2, 2))), atol=1e-4)


@pytest.mark.parametrize(
    "stages",
    [[], [stage(planes=2)], [stage(), stage(3, step=3, size=5)], [stage(), stage(1, planes=2)]],
)
def test_stages_that_are_no_cascade_are_refused(stages):
    with pytest.raises(ValueError, match="are no cascade"):
        UpscalingBank(stages)


def test_later_stages_step_over_what_is_enlarged():
    for stages in ([stage(step=2, size=2)], [stage(), stage()]):
        with pytest.raises(ValueError, match="cannot have steps of"):
            UpscalingBank(stages)


@pytest.mark.parametrize("later", [stage(1), stage(2, step=2, size=2)])
def test_both_kinds_of_later_stages_run(later):
    image = np.random.default_rng(0).uniform(0, 255, (5, 6)).astype(np.float32)
    out = np.empty((10, 12), np.float32)
    UpscalingBank([stage(), later]).run(GrayImage(image), out, 255, 1)
    np.testing.assert_allclose(out, np.kron(image, np.ones((2, 2))), rtol=1e-6)


def test_a_bank_tells_what_it_holds():
    info = UpscalingBank([stage(), stage(1)], {"training_set": "mine"}).info()
    assert info["metadata"] == {"training_set": "mine"}
    assert [part["factor"] for part in info["stages"]] == [2, 1]
    first = info["stages"][0]
    assert (first["classes"], first["margin"], first["planes"], first["size"]) == (8, 0, 1, 3)
    assert first["macs_per_pixel"] == 9
    assert first["spec"] == SPEC.to_dict()


def test_only_symmetric_filters_of_moderate_size_are_saved(tmp_path):
    one_sided = filters()
    one_sided[3, 0, 1, 0, 0, 0] = 0.5
    with pytest.raises(ValueError, match="stage 0 does not look the same in all eight views"):
        UpscalingBank([PhaseStage(SPEC, one_sided)]).save(tmp_path / "bank")
    huge = np.full((8, 2, 2, 1, 3, 3), 1e5)
    with pytest.raises(ValueError, match="float16 cannot hold the filters, up to"):
        UpscalingBank([PhaseStage(SPEC, huge)]).save(tmp_path / "bank")
    assert not list(tmp_path.iterdir())


def test_specs_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="at most 65535 classes, got"):
        ProfileSpec(directions=1024, strength_edges=tuple(range(1, 100)))
    values = SPEC.to_dict()
    with pytest.raises(ValueError, match="a ProfileSpec has the fields"):
        ProfileSpec.from_dict({**values, "more": 1})
    del values["window"]
    with pytest.raises(ValueError, match="a ProfileSpec has the fields"):
        ProfileSpec.from_dict(values)


def test_flat_images_have_no_edges_to_find():
    with pytest.raises(ValueError, match="no pixel has a slope"):
        fit_edges([GrayImage(np.full((20, 20), 7, np.float32))], ProfileSpec())
