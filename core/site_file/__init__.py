"""Site files: a whole site described in one YAML document, read and imported."""

from core.site_file.catalog import load_catalog
from core.site_file.importing import import_site
from core.site_file.model import ImportReport, SiteFile
from core.site_file.reading import read_site_file

__all__ = ["ImportReport", "SiteFile", "import_site", "load_catalog", "read_site_file"]
