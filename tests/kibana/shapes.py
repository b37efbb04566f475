"""What Kibana's own schemas say of the saved objects that we make.

From elastic/kibana, `src/platform/plugins/shared/`:
`dashboard/server/dashboard_saved_object/schema/v1/v1.ts` and `v2/v2.ts`, which are its models 1 and 2;
`saved_search/server/saved_objects/schema_legacy.ts`, model 5;
`data_views/server/saved_objects/` and `data_views/common/types.ts` (`DataViewAttributes`).
A dashboard's schema refuses keys that it does not know, and so does a search's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

VERSIONS = {"index-pattern": "8.0.0", "search": "10.5.0", "dashboard": "10.2.0"}

_META = {"searchSourceJSON": str}
_DASHBOARD: Mapping[str, Any] = {
    "title": str,
    "description": str,
    "kibanaSavedObjectMeta": _META,
    "timeRestore": bool,
    "timeFrom": str,
    "timeTo": str,
    "refreshInterval": {"pause": bool, "value": int},
    "controlGroupInput": {
        "panelsJSON": str,
        "controlStyle": str,
        "chainingSystem": str,
        "ignoreParentSettingsJSON": str,
        "showApplySelections": bool,
    },
    "panelsJSON": str,
    "optionsJSON": str,
    "version": int,
}
_SEARCH: Mapping[str, Any] = {
    "title": str,
    "description": str,
    "columns": list,
    "sort": list,
    "grid": {},
    "hideChart": bool,
    "isTextBasedQuery": bool,
    "kibanaSavedObjectMeta": _META,
    "timeRestore": bool,
}
_DATA_VIEW: Mapping[str, Any] = {
    "allowNoIndex": bool,
    "fieldAttrs": str,
    "fieldFormatMap": str,
    "fields": str,
    "name": str,
    "runtimeFieldMap": str,
    "sourceFilters": str,
    "timeFieldName": str,
    "title": str,
    "typeMeta": str,
}
_ATTRIBUTES = {"dashboard": _DASHBOARD, "search": _SEARCH, "index-pattern": _DATA_VIEW}
_OBJECT = {
    "attributes": dict,
    "coreMigrationVersion": str,
    "id": str,
    "managed": bool,
    "references": list,
    "type": str,
    "typeMigrationVersion": str,
}


def find_misfits(saved: Mapping[str, Any]) -> list[str]:
    """Return what Kibana's schema would refuse in an object, by the place where it stands."""
    misfits = _compare(saved, _OBJECT, "")
    misfits += _compare(saved["attributes"], _ATTRIBUTES[saved["type"]], "attributes")
    for reference in saved["references"]:
        misfits += _compare(reference, {"id": str, "name": str, "type": str}, "references")
    return misfits


def _compare(found: Mapping[str, Any], shape: Mapping[str, Any], place: str) -> list[str]:
    misfits = [f"{place}.{key}" for key in found.keys() ^ shape.keys()]
    for key in found.keys() & shape.keys():
        wanted, value = shape[key], found[key]
        if isinstance(wanted, Mapping):
            misfits += _compare(value, wanted, f"{place}.{key}") if isinstance(value, Mapping) else [key]
        elif type(value) is not wanted:
            misfits.append(f"{place}.{key}")
    return misfits
