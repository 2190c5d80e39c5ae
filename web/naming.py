"""Names and order of points and asset types, from the catalogue where the site gives none."""

from collections.abc import Iterable, Mapping

from rules.catalog import AssetType, Catalog
from web.reader import Reader
from workflows.overview import PointView


def type_name(catalog: Catalog, code: str, reader: Reader) -> str:
    """What people call an asset type."""
    known = catalog.get(code)
    return (known.name.get(reader.language) if known else "") or code


def point_name(known: AssetType | None, code: str, given: Mapping[str, str], reader: Reader) -> str:
    """What people call a point: as the site named it, as the catalogue does, or its code."""
    own = reader.text(given)
    if own:
        return own
    shipped = known.points.get(code) if known else None
    return (shipped.name.get(reader.language) if shipped else "") or code


def in_order(known: AssetType | None, points: Iterable[PointView]) -> list[PointView]:
    """Points as the catalogue lists them, which begins with what matters most."""
    order = list(known.points) if known else []
    return sorted(
        points,
        key=lambda point: order.index(point.code) if point.code in order else len(order),
    )
