import math

import pytest

from hybrid.networks import CLASSIFIERS, NETWORKS
from hybrid.training.config import TrainingConfig
from raisr import gradient_statistics
from tests.images import scene


def write(folder, text):
    path = folder / "run.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_says_only_what_differs_from_the_usual(tmp_path):
    path = write(tmp_path, 'model = "edsr"\nsteps = 1000\noptions = { features = 8 }\nsigma = 50')
    config = TrainingConfig.read(path)
    assert config == TrainingConfig("run", "edsr", 1000, {"features": 8}, sigma=50)
    assert config.name == "run"
    assert config.images == ("bsd400",)
    assert config.learning_rate == 1e-3


def test_every_key_can_be_set(tmp_path):
    text = """
        name = "other"
        model = "edsr"
        options = { features = 8, blocks = 2, num_classes = 72 }
        noise = "video_range"
        sigma = 15.5
        sigma_min = 2
        eight_bit = 0.5
        classes = "pcn.safetensors"
        class_sigma = 20
        shared = true
        spec = "csconv"
        bins = { strength_edges = [0.02, 0.05] }
        init = "edsr.safetensors"
        images = ["bsd400", "sample"]
        broken = "skip"
        held_back = 3
        steps = 500
        time_limit = 60
        loss = "psnr"
        batch = 8
        crop = 64
        learning_rate = 2e-3
        schedule = "paper"
        warmup = 0
        ema = 0
        precision = "float32"
        seed = 7
        validate_every = 50
        checkpoint_seconds = 1.5
    """
    config = TrainingConfig.read(write(tmp_path, text))
    default = TrainingConfig("name", "pcn", 1000).to_dict()
    values = config.to_dict()
    same = [key for key in values if values[key] == default[key]]
    assert set(same) == {"spec", "noisy"}  # which no PCN takes
    assert TrainingConfig.from_dict(values) == config


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("step = 5", "unknown key step; known: name, model, steps"),
        ('model = "edsd"', "model must be one of carn, dncnn, edsr, .*, got 'edsd'"),
        ("model = 3", "model must be a string, got 3"),
        ("name = 3", "name must be a string, got 3"),
        ('noise = "Paper"', "noise must be one of gaussian, video_range, got 'Paper'"),
        ('schedule = "linear"', "schedule must be one of cosine, constant, paper, got 'linear'"),
        ('loss = "l2"', "loss must be one of l1, psnr, got 'l2'"),
        ('model = "pcn"\nloss = "psnr"', "loss must be left out for pcn"),
        ('precision = "half"', "precision must be one of auto, .*, got 'half'"),
        ('spec = "sobel"', "spec must be one of csconv, raisr, blade, got 'sobel'"),
        ("spec = 3", "spec must be a string, got 3"),
        ("classes = 72", "classes must be a string, got 72"),
        ("init = true", "init must be a string, got True"),
        ('steps = "many"', "steps must be a whole number, got 'many'"),
        ("steps = 1.5", "steps must be a whole number, got 1.5"),
        ("steps = true", "steps must be a whole number, got True"),
        ("steps = 0", "steps must be positive, got 0"),
        ("batch = -1", "batch must be positive, got -1"),
        ("crop = 0", "crop must be positive, got 0"),
        ("crop = 96.0", "crop must be a whole number, got 96.0"),
        ("held_back = 0", "held_back must be positive, got 0"),
        ("validate_every = 0", "validate_every must be positive, got 0"),
        ("learning_rate = 0", "learning_rate must be positive, got 0"),
        ("learning_rate = inf", "learning_rate must be a finite number, got inf"),
        ("sigma = -1", "sigma must not be negative, got -1"),
        ("sigma = nan", "sigma must be a finite number, got nan"),
        ('sigma = "25"', "sigma must be a finite number, got '25'"),
        ("sigma = true", "sigma must be a finite number, got True"),
        ("sigma_min = -1", r"sigma_min must be in \[0, sigma\), here \[0, 25\), got -1"),
        ("sigma_min = 25", r"sigma_min must be in \[0, sigma\), here \[0, 25\), got 25"),
        ('sigma_min = "0"', "sigma_min must be a finite number, got '0'"),
        ("eight_bit = 1.5", r"eight_bit must be in \[0, 1\], got 1.5"),
        ("class_sigma = -1", "class_sigma must not be negative, got -1"),
        ("shared = 1", "shared must be true or false, got 1"),
        ("shared = true", "shared must be left out for a network without classes"),
        ("class_sigma = 25", "class_sigma needs classes of a PCN"),
        ("seed = -1", "seed must not be negative, got -1"),
        ("checkpoint_seconds = -1", "checkpoint_seconds must not be negative, got -1"),
        ("ema = 1", r"ema must be in \[0, 1\), got 1"),
        ("ema = -0.1", r"ema must be in \[0, 1\), got -0.1"),
        ("warmup = -1", r"warmup must be in \[0, steps\), here \[0, 1000\), got -1"),
        ("warmup = 1000", r"warmup must be in \[0, steps\), here \[0, 1000\), got 1000"),
        ('images = "bsd400"', "images must be a list of one string or more, got 'bsd400'"),
        ("images = []", r"images must be a list of one string or more, got \(\)"),
        ("images = [1]", r"images must be a list of one string or more, got \(1,\)"),
        ('noisy = "noisy"', "noisy must be a list of one string or more, got 'noisy'"),
        ('noisy = ["a", "b"]', "noisy must name a folder for each of the 1 of images, got 2"),
        ('noisy = ["a"]', "noisy must be left out for edsr, which adds noise"),
        ("options = 3", "options must be a table, got 3"),
        ("options = { depth = 3 }", "options: .*unexpected keyword argument 'depth'"),
        ("options = { features = 0 }", "options: features must be positive, got 0"),
        ("options = { blocks = -1 }", "options: blocks must be positive, got -1"),
        ("options = { blocks = 1.5 }", "options: network 'edsr': .*float"),
        ('options = { features = "many" }', "options: network 'edsr': "),
        ("options = { num_classes = 72 }", "classes is missing, and the network is class-specific"),
        ('classes = "clean"', "classes must be left out for a network without, got 'clean'"),
        (
            'classes = "clean"\noptions = { num_classes = 10 }',
            "options: num_classes must be 72, as spec and bins have, got 10",
        ),
        ("bins = 3", "bins must be a table, got 3"),
        ("bins = { window = 7 }", "bins: unknown key window; known: orientations, strength_edges"),
        ("bins = { orientations = 3 }", "bins: orientations must be 1 or even, got 3"),
        ("bins = { strength_edges = 3 }", "bins: .*not iterable"),
    ],
)
def test_bad_values_are_refused(tmp_path, line, message):
    lines = {"model": 'model = "edsr"', "steps": "steps = 1000"}
    lines.pop(line.split(" ")[0], None)
    path = write(tmp_path, "\n".join([*lines.values(), line]))
    with pytest.raises(ValueError, match=f"^{path}: {message}"):
        TrainingConfig.read(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("steps = 1000", "missing key model"),
        ('model = "edsr"', "missing key steps"),
        ("", "missing key model, steps"),
        ("steps = ", "Invalid value"),
        ("a picture", "Expected '='"),
    ],
)
def test_bad_files_are_refused(tmp_path, text, message):
    path = write(tmp_path, text)
    with pytest.raises(ValueError, match=f"^{path}: {message}"):
        TrainingConfig.read(path)


def test_files_of_other_kinds_are_refused(tmp_path):
    (tmp_path / "picture.toml").write_bytes(b"\x89PNG\xff\xfe")
    with pytest.raises(ValueError, match="picture.toml: "):
        TrainingConfig.read(tmp_path / "picture.toml")
    with pytest.raises(FileNotFoundError, match="missing.toml"):
        TrainingConfig.read(tmp_path / "missing.toml")


@pytest.mark.parametrize("model", [*NETWORKS, *CLASSIFIERS])
def test_every_network_can_be_configured(model):
    many = {"sigma_min": 0.0} if model == "unet" else {}
    TrainingConfig("name", model, 1000, **many)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sigma_min": None}, "sigma_min is missing, and unet is for many noise levels"),
        ({"noise": "video_range"}, "noise must be gaussian for unet, got 'video_range'"),
        ({"classes": "noisy"}, "classes of unet must be denoised, got 'noisy'"),
    ],
)
def test_what_a_hybrid_network_needs(changes, message):
    options = {"num_classes": 72} if "classes" in changes else {}
    with pytest.raises(ValueError, match=message):
        TrainingConfig("name", "unet", 1000, **{"sigma_min": 0.0, "options": options, **changes})


def test_the_rate_of_the_constant_schedule():
    config = TrainingConfig("name", "edsr", 1000, schedule="constant", warmup=10)
    assert [config.rate(step) for step in (0, 9, 10, 999)] == [0.1, 1, 1, 1]


def test_the_rate_of_the_cosine_schedule():
    config = TrainingConfig("name", "edsr", 1200, warmup=200)
    rates = [config.rate(step) for step in range(1200)]
    assert rates[:200] == pytest.approx([(step + 1) / 200 for step in range(200)])
    assert rates[200] == 1
    assert rates[450] == pytest.approx((1 + math.cos(math.pi / 4)) / 2)
    assert rates[700] == pytest.approx(0.5)
    assert 0 < rates[-1] < 1e-5
    assert rates[200:] == sorted(rates[200:], reverse=True)


def test_the_rate_of_the_paper_is_halved_after_every_fifth():
    config = TrainingConfig("name", "edsr", 1000, schedule="paper", warmup=0)
    rates = [config.rate(step) for step in range(1000)]
    assert rates == [1.0] * 200 + [0.5] * 200 + [0.25] * 200 + [0.125] * 200 + [0.0625] * 200


def test_bins_replace_those_of_the_preset():
    bins = {"orientations": 4, "strength_edges": [0.05], "coherence_edges": [0.3]}
    options = {"num_classes": 16}
    config = TrainingConfig("name", "edsr", 1000, classes="noisy", options=options, bins=bins)
    assert config.network_spec.shape == (4, 2, 2)
    assert config.network_spec.window == TrainingConfig("name", "pcn", 1000).network_spec.window
    assert TrainingConfig.from_dict(config.to_dict()) == config


@pytest.mark.parametrize(("noise", "white"), [("gaussian", 255), ("video_range", 219)])
def test_the_spec_of_a_network_means_the_same_in_both_noise_models(noise, white):
    spec = TrainingConfig("name", "pcn", 1000, noise=noise).network_spec
    image = scene().astype("float32")
    found = gradient_statistics(image, spec, data_range=255)
    wanted = gradient_statistics(image, "csconv", data_range=white)
    for a, b in zip(found, wanted, strict=True):
        assert a == pytest.approx(b, abs=1e-3)
