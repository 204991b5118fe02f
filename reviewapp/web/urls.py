"""Every URL of the site's screens. The manager's half lives in urls_manager.py."""

from django.urls import include, path, register_converter
from django.views.decorators.cache import cache_control
from django.views.i18n import JavaScriptCatalog

from reviewapp.web.views import (
    account,
    adjusting,
    auth,
    choosing,
    editing,
    factors,
    home,
    line,
    links,
    media,
    names,
    outside,
    passkeys,
    review,
    security,
    viewer,
)


class QueueConverter:
    """`mixed` or `assisted`; anything else is no address of ours."""

    regex = "mixed|assisted"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(QueueConverter, "queue")

review_urls = (
    [
        path("", review.chooser, name="chooser"),
        path("<queue:queue>/", review.queue_page, name="queue"),
        path("<queue:queue>/claim/", review.claim, name="claim"),
        path("<queue:queue>/past/", review.past, name="past"),
        path("<queue:queue>/beat/", review.beat, name="beat"),
        path("<queue:queue>/release/", review.release, name="release"),
        path("<queue:queue>/decide/", review.decide_plain, name="decide_plain"),
        path("<queue:queue>/undo/", review.undo_plain, name="undo_plain"),
        path("<queue:queue>/held/<int:task_id>/", review.take_back, name="take_back"),
        path("<queue:queue>/filters/", choosing.save, name="save_filter"),
        path("filters/<int:filter_id>/forget/", choosing.forget, name="forget_filter"),
        path("bulk/", choosing.bulk, name="bulk"),
        path("bulk/apply/", choosing.apply, name="bulk_apply"),
        path("bulk/<int:bulk_id>/", choosing.progress, name="bulk_progress"),
        path("bulk/<int:bulk_id>/advance/", choosing.advance, name="bulk_advance"),
        path("bulk/<int:bulk_id>/undo/", choosing.take_back, name="bulk_undo"),
        path("items/<int:task_id>/decision/", review.decide, name="decide"),
        path("items/<int:task_id>/adjust/", adjusting.adjust, name="adjust"),
        path("adjustments/<int:adjustment_id>/", adjusting.state, name="adjustment"),
        path("adjustments/<int:adjustment_id>/use/", adjusting.use, name="use_adjustment"),
        path("decisions/<int:decision_id>/undo/", review.undo, name="undo"),
        path("decisions/<int:decision_id>/call-back/", review.call_back, name="call_back"),
    ],
    "review",
)

editing_urls = (
    [
        path("", editing.task_list, name="list"),
        path("<int:task_id>/", editing.task_page, name="task"),
        path("<int:task_id>/claim/", editing.claim, name="claim"),
        path("<int:task_id>/release/", editing.release, name="release"),
        path("<int:task_id>/submit/", editing.submit, name="submit"),
        path("<int:task_id>/as-is/", editing.submit_as_is, name="submit_as_is"),
        path("<int:task_id>/sign-off/", editing.sign_off, name="sign_off"),
        path("<int:task_id>/send-back/", editing.send_back, name="send_back"),
        path("<int:task_id>/give-up/", editing.give_up, name="give_up"),
    ],
    "editing",
)

media_urls = (
    [
        path("run/<int:run_id>/<slug:kind>/", media.run_image, name="run"),
        path("view/<int:view_id>/<slug:kind>/", media.view_image, name="view"),
        path("reference/<int:picture_id>/", media.reference, name="reference"),
        path("asset/<int:asset_id>/original/", media.original, name="original"),
        path("rendition/<int:rendition_id>/", media.rendition, name="rendition"),
    ],
    "media",
)

name_urls = (
    [
        path("clients/", names.clients, name="clients"),
        path("presets/", names.presets, name="presets"),
    ],
    "names",
)

viewer_urls = (
    [
        path("run/<int:run_id>/channel/<int:channel_id>/", viewer.channel, name="channel"),
        path("run/<int:run_id>/siblings/", viewer.siblings, name="siblings"),
    ],
    "viewer",
)

link_urls = (
    [
        path("<str:token>/", links.show, name="show"),
        path("<str:token>/zip/", links.fetch, name="fetch"),
    ],
    "links",
)

# The words of the scripts in the page's language; English, which they are written in, never asks for it.
words = cache_control(private=True, max_age=3600)(JavaScriptCatalog.as_view(packages=["reviewapp"]))

urlpatterns = [
    path("", home.home, name="home"),
    path("jsi18n/", words, name="jsi18n"),
    path("login/", auth.SignIn.as_view(), name="login"),
    path("login/code/", factors.second_step, name="second_factor"),
    path("login/outside/", outside.start, name="outside_start"),
    path("login/outside/back/", outside.back, name="outside_back"),
    path("login/passkey/ask/", passkeys.ask, name="passkey_ask"),
    path("login/passkey/", passkeys.prove, name="passkey_prove"),
    path("logout/", auth.sign_out, name="logout"),
    path("line/", line.page, name="line"),
    path("line/pause/", line.pause, name="line_pause"),
    path("line/resume/", line.resume, name="line_resume"),
    path("account/", account.account, name="account"),
    path("account/password/", security.password, name="password"),
    path("account/sessions/end/", security.end_sessions, name="end_sessions"),
    path("account/confirm/", factors.confirm, name="confirm"),
    path("account/second-factor/", factors.overview, name="second_factors"),
    path("account/second-factor/app/", factors.app, name="factor_app"),
    path("account/second-factor/codes/", factors.codes, name="factor_codes"),
    path("account/second-factor/remove/", factors.remove, name="factor_remove"),
    path("account/second-factor/passkey/ask/", passkeys.ask_to_add, name="passkey_ask_to_add"),
    path("account/second-factor/passkey/", passkeys.add, name="passkey_add"),
    path("account/second-factor/passkey/<int:factor>/rename/", passkeys.rename, name="passkey_rename"),
    path("account/second-factor/passkey/<int:factor>/remove/", passkeys.remove, name="passkey_remove"),
    path("review/", include(review_urls)),
    path("editing/", include(editing_urls)),
    path("names/", include(name_urls)),
    path("media/", include(media_urls)),
    path("viewer/", include(viewer_urls)),
    path("link/", include(link_urls)),
    path("", include("reviewapp.web.urls_manager")),
]
