"""Nothing a person reads is hard-wired in one language, as far as a machine can tell; what is stored stays English."""

from __future__ import annotations

import ast
import dataclasses
import enum
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import models
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import trans_real

from processing.errors import InputRejected
from processing.params import STANDARD_PRESET, ChannelSpec, ProcessingParams
from reviewapp import enums
from reviewapp.enums import RejectReason
from reviewapp.models import Channel, ProcessingRun, ReviewTask
from reviewapp.policies import adjusting, choosing, setting_words, verdicts
from reviewapp.policies.words import Said
from reviewapp.selectors.adjusting import movable
from reviewapp.services import words
from reviewapp.templatetags.states import allowed, said
from reviewapp.web.forms.tunables import PresetForm

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
NAMES = {
    "Softproof", "SKU", "ASIN", "SHA", "px", "Enter", "Esc",
    "file", "sku", "asin", "category", "shoot_group", "description", "inside",
}  # fmt: skip
"""What reads the same in every language: names, units, keys of the keyboard, columns of the list."""
READ_ALOUD = r'(?:aria-label|title|placeholder|alt|data-label)="([^"]*)"'
GIVEN = r'\b(?:title|text|label|action|strong|word|parent)="([^"]*)"'
"""Words given to a component by {% include ... with %}."""


def told(text: str) -> list[str]:
    return [word for word in re.findall(r"[A-Za-z_]{2,}", text) if word not in NAMES]


def hard_wired(text: str) -> Iterator[str]:
    """What of a template is neither translated nor markup."""
    text = re.sub(
        r"{#.*?#}|{% blocktranslate.*?{% endblocktranslate %}|{% block page_class %}\w*", "", text, flags=re.S
    )
    for tag in re.findall(r"{% include .*?%}", text):
        yield from (found for found in re.findall(GIVEN, tag) if told(found))
    yield from (found for found in re.findall(r'\|default:"([^"]*)"', text) if told(found))
    text = re.sub(r"{%.*?%}|{{.*?}}", "", text, flags=re.S)
    yield from (found for found in re.findall(READ_ALOUD, text) if told(found))
    text = re.sub(r"<(script|style|template)\b.*?</\1>", "", text, flags=re.S)
    text = re.sub(r"<[^>]*>|&[a-z]+;", "\n", text)
    yield from (line.strip() for line in text.split("\n") if told(line))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.relative_to(ROOT / "templates").as_posix())
def test_a_template_says_nothing_that_is_not_translated(path: Path) -> None:
    assert list(hard_wired(path.read_text(encoding="utf-8"))) == []


def test_the_look_at_templates_is_awake() -> None:
    assert list(hard_wired('<p title="Big one">Hello {% translate "you" %}</p>{{ a|default:"Nobody here" }}')) == [
        "Nobody here", "Big one", "Hello",
    ]  # fmt: skip
    assert list(hard_wired('{% include "ui/note.html" with text="Not this" only %}')) == ["Not this"]


CHOICES = [
    found
    for found in vars(enums).values()
    if isinstance(found, enum.EnumMeta) and issubclass(found, models.TextChoices) and found is not models.TextChoices
]


@pytest.mark.parametrize("choices", CHOICES, ids=lambda found: found.__name__)
def test_every_choice_is_named_in_the_readers_language(choices: type[models.TextChoices]) -> None:
    assert [one.name for one in choices if not isinstance(one._label_, Promise)] == []  # type: ignore[attr-defined]


# Errors of programs, and those whose sentence goes into a row as it is.
INTERNAL = {
    "AssertionError", "CommandError", "DeliveryCorrupt", "DemoMissing", "DoesNotExist", "Fenced", "Http404",
    "IllegalTransition", "ImproperlyConfigured", "KeyError", "KeyLost", "LookupError", "NotImplementedError",
    "PostFailed", "Refused", "RuntimeError", "StateConflict", "TypeError", "Unknown", "ValueError", "_Damaged",
    "_OutOfTime",
}  # fmt: skip
STORED = {
    "archives", "unpacking", "csv_rows", "uploads", "sheets", "scanning", "execution", "comparison", "demo",
    "replaying", "originals", "checking", "backups", "restoring",
}  # fmt: skip
"""Services whose refusals are kept beside the photo or the list they are about, or are a command's."""
ANSWERS = {"DecisionResult", "UndoResult", "_undone"}
SAID = {"success", "warning", "error", "info"}
ROOMS = ("services", "web", "selectors")
WRAPPED = {"_", "gettext", "gettext_lazy", "ngettext", "ngettext_lazy", "translated"}
SENTENCE = re.compile(r"[a-z]+[’']?[a-z]* [a-z]|[A-Z][a-z]+\.$")


def name_of(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def sentences(node: ast.expr) -> Iterator[str]:
    """Literal sentences of an expression that go through no translation."""
    if isinstance(node, ast.Call) and name_of(node.func) in WRAPPED:
        return
    if isinstance(node, ast.Constant | ast.JoinedStr):
        parts = [node] if isinstance(node, ast.Constant) else node.values
        text = "".join(str(part.value) if isinstance(part, ast.Constant) else "X" for part in parts)
        if SENTENCE.search(text) and (isinstance(node, ast.JoinedStr) or isinstance(node.value, str)):
            yield text
        return
    for inner in ast.iter_child_nodes(node):
        if isinstance(inner, ast.expr) and not isinstance(node, ast.Call | ast.Subscript | ast.Attribute):
            yield from sentences(inner)


def unsaid(source: str) -> Iterator[tuple[int, str]]:
    """(line, sentence) of refusals, answers and messages that nobody can translate."""
    for node in ast.walk(ast.parse(source)):
        spoken: list[ast.expr] = []
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and name_of(node.exc.func) not in INTERNAL:
            spoken = node.exc.args
        elif isinstance(node, ast.Call):
            of = name_of(node.func.value) if isinstance(node.func, ast.Attribute) else ""
            if name_of(node.func) in ANSWERS or (of == "messages" and name_of(node.func) in SAID):
                spoken = node.args
            elif name_of(node.func) == "require":
                spoken = [one.value for one in node.keywords if one.arg == "to"]
        elif isinstance(node, ast.Dict):
            spoken = [
                value
                for key, value in zip(node.keys, node.values, strict=True)
                if isinstance(key, ast.Constant) and key.value in ("message", "title", "label")
            ]
        yield from ((node.lineno, text) for one in spoken for text in sentences(one))


MODULES = [
    path for room in ROOMS for path in sorted((ROOT / "reviewapp" / room).rglob("*.py")) if path.stem not in STORED
]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT / "reviewapp").as_posix())
def test_what_is_said_to_a_person_can_be_translated(path: Path) -> None:
    assert list(unsaid(path.read_text(encoding="utf-8"))) == []


def test_the_look_at_modules_is_awake() -> None:
    source = """
raise EditRefused("The photo is gone. Load the page again.")
raise EditRefused({"": f"{name} has this photo."})
raise EditRefused(_("Said in any language."))
messages.warning(request, "Somebody was faster here.")
require(user, Role.ADMIN, to="change roles")
answer = {"message": "Sign in again to go on.", "note": "a row"}
return_value = UndoResult(False, None, "Already undone here." if late else _("Undone."))
"""
    assert [line for line, _text in unsaid(source)] == [2, 3, 5, 6, 7, 8]


def test_every_settings_label_and_unit_is_marked_for_translation() -> None:
    lines = ProcessingParams.describe()
    assert set(setting_words.LABELS) == {line.label for line in lines}
    assert set(setting_words.UNITS) == {line.unit for line in lines if line.unit}
    assert set(setting_words.OPTIONS) == {option for line in adjusting.fields() for option in line.options}


def test_settings_are_named_in_the_readers_language(monkeypatch: pytest.MonkeyPatch) -> None:
    run = ProcessingRun(params=STANDARD_PRESET.to_dict(), channel=Channel(spec={}))
    german = {"Edge refinement": "Kante", "px": "Pixel", "medium": "mittel"}
    with translation.override("de"):
        translation.gettext("")  # the catalogue is read when it is first asked
        for english, word in german.items():
            monkeypatch.setitem(trans_real.translation("de")._catalog._catalogs[0], english, word)  # type: ignore[attr-defined]
        moved = {line["path"]: line for line in movable(ReviewTask(run=run))}
        assert moved["edge.refinement"]["label"] == "Kante" and moved["shadow.blur_px"]["unit"] == "Pixel"
        assert moved["edge.refinement"]["options"][1] == "medium", "what is sent stays"
        assert moved["edge.refinement"]["optionWords"][1] == "mittel" and moved["shadow.opacity"]["unit"] == ""
        assert (said("px"), said("")) == ("Pixel", "")
        assert str(PresetForm(base=STANDARD_PRESET.to_dict(), number=1).fields["edge.refinement"].label) == "Kante"


def test_a_policys_sentence_is_translated_whole_and_stored_words_stay_english() -> None:
    refused = verdicts.check(verdicts.Asked("approve", "k", note="x" * 501))
    assert isinstance(refused, Said) and refused == "The note has 501 characters; 500 fit."
    assert refused.values == {"length": 501, "most": 500} and words.translated(refused) == str(refused)
    assert words.translated("") == "" and words.translated(choosing.ORDERS["sku"]) == "SKU by SKU"
    with translation.override("de"):
        # Django itself has these words in German, so the catalogue is real.
        assert translation.gettext("Yes") == "Ja"
        with words.stored():
            assert translation.gettext("Yes") == "Yes"
        assert (
            str(translation.gettext_lazy("Yes")) == "Ja" and words.stored_word(translation.gettext_lazy("Yes")) == "Yes"
        )
        assert words.stored_word(RejectReason.SHADOW.label) == "Shadow is wrong"


def test_what_a_setting_allows_is_said_in_english_as_the_library_says_it() -> None:
    for line in [*ProcessingParams.describe(), *ChannelSpec.describe()]:
        assert setting_words.bounds(line) == line.bounds, line.path
        assert isinstance(setting_words.bounds(line), Said), line.path
    odd = dataclasses.replace(ProcessingParams.describe()[0], kind="wavelength", bounds="380 to 750 nm")  # type: ignore[arg-type]
    assert setting_words.bounds(odd) == "380 to 750 nm", "a kind nobody has words for yet"


def test_rev08_what_may_not_be_moved_so_far_is_refused_in_the_readers_language(monkeypatch: pytest.MonkeyPatch) -> None:
    german = {
        "%(low)s to %(high)s %(unit)s": "%(low)s bis %(high)s %(unit)s",
        "%(name)s is %(value)s; allowed is %(bounds)s.": "%(name)s ist %(value)s; erlaubt ist %(bounds)s.",
        "Shadow blur": "Schattenweichheit", "px": "Pixel", "%": "Prozent",
    }  # fmt: skip
    with pytest.raises(InputRejected) as caught:
        adjusting.changed(STANDARD_PRESET, {"shadow.blur_px": 900})
    refused = setting_words.refusal(caught.value, adjusting.fields())
    bounds = next(line.bounds for line in adjusting.fields() if line.path == "shadow.blur_px")
    assert refused == f"Shadow blur is 900; allowed is {bounds}." == words.translated(refused)
    with translation.override("de"):
        translation.gettext("")
        for english, word in german.items():
            monkeypatch.setitem(trans_real.translation("de")._catalog._catalogs[0], english, word)  # type: ignore[attr-defined]
        assert words.translated(refused) == (
            "Schattenweichheit ist 900; erlaubt ist " + bounds.replace(" to ", " bis ").replace("px", "Pixel") + "."
        )
        form = PresetForm(base=STANDARD_PRESET.to_dict(), number=1)
        assert " bis " in str(form.fields["shadow.blur_px"].help_text)
        lines = {line.path: line for line in ProcessingParams.describe()}
        assert allowed(lines["shadow.blur_px"]).endswith("Pixel") and "Prozent" in allowed(lines["colour.contrast"])


def test_a_refusal_of_another_kind_stays_as_it_was_said() -> None:
    for wanted in ({"colour.contrast": 5}, {}):
        with pytest.raises(InputRejected) as caught:
            adjusting.changed(STANDARD_PRESET, wanted)
        assert setting_words.refusal(caught.value, adjusting.fields()) is caught.value.args[0]
