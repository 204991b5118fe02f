"""Every measure of a real report has a name for people."""

from __future__ import annotations

from processing.channels import load_channels
from processing.params import ScoringParams
from processing.quality.score import score
from reviewapp.templatetags.softproof import MEASURES, measure_words
from tests.processing.products import backdrop_photo, over, product_alpha


def test_every_measure_has_words() -> None:
    alpha = product_alpha(400)
    photo = backdrop_photo(alpha)
    report = score(
        over(photo, alpha, (255, 255, 255)),
        alpha,
        channel=load_channels()["amazon_main"],
        scoring=ScoringParams(),
        expected=photo,
        residual_cast=1.0,
    )
    names = {measure.name for measure in report.measures}
    assert len(names) > 15 and names <= set(MEASURES)
    assert all(word[0].isupper() and len(word) > 8 for word in MEASURES.values())


def test_a_measure_of_an_older_report_keeps_its_own_name() -> None:
    assert measure_words("some_old_measure") == "some old measure"
    assert measure_words("halo") == "Backdrop kept along the edge"
