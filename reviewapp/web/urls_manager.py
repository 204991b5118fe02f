"""URLs of the people who run batches and of admins. Included at the root by web/urls.py."""

from django.urls import include, path

from reviewapp.web.views import (
    audit,
    batch_figures,
    batches,
    channels,
    client_messages,
    clients,
    deliveries,
    exceptions,
    factors,
    first_samples,
    images,
    intake,
    links,
    outside,
    people,
    pilots,
    presets,
    proof,
    proposals,
    quality,
    retention,
    security,
    tus,
    uploads,
)

batch_urls = [
    path("", batches.listing, name="list"),
    path("new/", batches.new, name="new"),
    path("<int:pk>/", batches.detail, name="detail"),
    path("<int:pk>/progress/", batches.progress, name="progress"),
    path("<int:pk>/set/", batches.as_set, name="set"),
    path("<int:pk>/figures/", batch_figures.figures, name="figures"),
    path("<int:pk>/images/", batches.images, name="images"),
    path("<int:pk>/intake/", intake.report, name="intake"),
    path("<int:pk>/intake.csv", intake.report_csv, name="intake_csv"),
    path("<int:pk>/failures/", batches.failures, name="failures"),
    path("<int:pk>/exceptions/", exceptions.exceptions, name="exceptions"),
    path("<int:pk>/failures/retry/", batches.retry, name="retry"),
    path("<int:pk>/failures/editors/", batches.hand_over, name="hand_over"),
    path("<int:pk>/pause/", batches.pause, name="pause"),
    path("<int:pk>/resume/", batches.resume, name="resume"),
    path("<int:pk>/cancel/", batches.cancel, name="cancel"),
    path("<int:pk>/priority/", batches.priority, name="priority"),
    path("<int:pk>/hold/", retention.hold, name="hold"),
    path("<int:pk>/owner/", batches.owner, name="owner"),
    path("<int:pk>/pilot/", pilots.card, name="pilot"),
    path("<int:pk>/pilot.json", pilots.as_json, name="pilot_json"),
    path("<int:pk>/pilot.csv", pilots.as_csv, name="pilot_csv"),
    path("<int:pk>/sample/", first_samples.card, name="sample"),
    path("<int:pk>/sample/apply/", first_samples.apply, name="sample_apply"),
    path("<int:pk>/sample/again/", first_samples.again, name="sample_again"),
    path("<int:pk>/deliver/", deliveries.deliver, name="deliver"),
    path("<int:pk>/deliveries/", deliveries.card, name="deliveries"),
]

upload_urls = [
    path("", uploads.page, name="page"),
    path("file/", uploads.receive, name="file"),
    path("csv/", uploads.sheet, name="csv"),
    path("csv/look/", uploads.look_at_sheet, name="look"),
    path("known/", uploads.known, name="known"),
    path("checks/", uploads.checks, name="checks"),
    path("finish/", uploads.finish, name="finish"),
]

tus_urls = [
    path("", tus.create, name="create"),
    path("<str:token>/", tus.upload, name="upload"),
]

image_urls = [
    path("", images.listing, name="list"),
    path("<int:pk>/", images.detail, name="detail"),
    path("<int:pk>/complaint/", images.complain, name="complain"),
]

delivery_urls = [
    path("", deliveries.listing, name="list"),
    path("<int:pk>/download/", deliveries.download, name="download"),
    path("<int:pk>/hand-over/", deliveries.hand_over, name="hand_over"),
    path("<int:pk>/call-back/", deliveries.call_back, name="call_back"),
    path("<int:pk>/links/", links.manage, name="links"),
    path("<int:pk>/links/<int:link>/revoke/", links.revoke, name="revoke"),
]

quality_urls = [
    path("thresholds/", quality.thresholds, name="thresholds"),
    path("thresholds/what-if/", quality.what_if, name="what_if"),
    path("thresholds/publish/", quality.publish, name="publish"),
    path("thresholds/drafts/<int:pk>/", quality.decide_draft, name="draft"),
    path("categories/", quality.save_category, name="category"),
    path("proof/", proof.proof, name="proof"),
    path("reviewers/", proof.reviewers, name="reviewers"),
    path("scopes/<int:pk>/clear/", proof.clear, name="clear"),
    path("lots/<int:pk>/reprocess/", proof.reprocess, name="reprocess"),
    path("lots/<int:pk>/editors/", proof.to_editors, name="to_editors"),
    path("lots/<int:pk>/release/", proof.release, name="release"),
    path("lots/<int:pk>/plan/", proof.plan, name="plan"),
    path("alarms/<int:pk>/close/", proof.close_alarm, name="close_alarm"),
]

preset_urls = [
    path("", presets.listing, name="list"),
    path("import/", presets.import_yaml, name="import"),
    path("versions/<int:pk>/current/", presets.set_current, name="current"),
    path("versions/<int:pk>/export/", presets.export_yaml, name="export"),
    path("alarms/<int:pk>/close/", presets.close_alarm, name="alarm"),
    path("versions/<int:pk>/try/", presets.try_out, name="try"),
    path("versions/<int:pk>/back/", presets.roll_back, name="back"),
    path("<slug:slug>/", presets.detail, name="detail"),
    path("<slug:slug>/lock/", presets.lock, name="lock"),
    path("<slug:slug>/new/", presets.new_version, name="new"),
]

proposal_urls = [
    path("", proposals.listing, name="list"),
    path("<int:pk>/", proposals.detail, name="detail"),
    path("<int:pk>/accept/", proposals.accept, name="accept"),
    path("<int:pk>/decline/", proposals.decline, name="decline"),
    path("<int:pk>/test/", proposals.test, name="test"),
    path("<int:pk>/try/", proposals.try_out, name="try"),
]

channel_urls = [
    path("", channels.listing, name="list"),
    path("new/", channels.new, name="new"),
    path("<slug:key>/", channels.detail, name="detail"),
]

client_urls = [
    path("", clients.listing, name="list"),
    path("new/", clients.new, name="new"),
    path("<int:pk>/", clients.edit, name="edit"),
    path("<int:pk>/secret/", client_messages.secret, name="secret"),
    path("<int:pk>/test/", client_messages.test, name="test"),
    path("<int:pk>/messages/<int:message>/retry/", client_messages.retry, name="retry_message"),
    path("<int:pk>/returns/", clients.add_returns, name="add_returns"),
    path("<int:pk>/references/", clients.add_reference, name="add_reference"),
    path("<int:pk>/references/<int:picture>/remove/", clients.remove_reference, name="remove_reference"),
]

people_urls = [
    path("", people.listing, name="list"),
    path("new/", people.new, name="new"),
    path("<int:pk>/", people.edit, name="edit"),
    path("<int:pk>/password/", security.new_password, name="password"),
    path("<int:pk>/unlock/", security.unlock, name="unlock"),
    path("<int:pk>/second-factor/reset/", factors.reset, name="reset_factors"),
    path("<int:pk>/outside/", outside.link, name="link"),
    path("<int:pk>/outside/<int:identity>/remove/", outside.unlink, name="unlink"),
    path("<int:pk>/sign-out/", security.sign_out, name="sign_out"),
]

audit_urls = [path("", audit.listing, name="list")]

urlpatterns = [
    path("batches/", include((batch_urls, "batches"))),
    path("batches/<int:pk>/upload/", include((upload_urls, "uploads"))),
    path("uploads/", include((tus_urls, "tus"))),
    path("images/", include((image_urls, "images"))),
    path("deliveries/", include((delivery_urls, "deliveries"))),
    path("quality/", include((quality_urls, "quality"))),
    path("presets/", include((preset_urls, "presets"))),
    path("proposals/", include((proposal_urls, "proposals"))),
    path("channels/", include((channel_urls, "channels"))),
    path("clients/", include((client_urls, "clients"))),
    path("people/", include((people_urls, "people"))),
    path("audit/", include((audit_urls, "audit"))),
]
