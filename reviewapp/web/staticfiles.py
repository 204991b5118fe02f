"""Static files with a content hash in their names, also inside our ES modules."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStaticFilesStorage(CompressedManifestStaticFilesStorage):
    """Also rewrites `import … from './x.js'`; without that a module would ask for a name that no longer exists."""

    support_js_module_import_aggregation = True
