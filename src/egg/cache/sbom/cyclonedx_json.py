"""What is the bill of materials of this buildout, or of this release?

A document of CycloneDX 1.6 in JSON. The same composition gives the same bytes: the serial number
is made of the content, and there is a time only where somebody gives one.
"""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import datetime, timezone
from importlib.metadata import version
from typing import Any

from egg.cache.common.errors import CacheError
from egg.cache.sbom import dependencies
from egg.cache.sbom.components import Component
from egg.cache.sbom.composition import Composition

#: What the serial numbers are made in (RFC 9562, version 5).
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, 'https://cyclonedx.org/schema/bom-1.6.schema.json')


def document(composition: Composition, seconds: int | None = None) -> str:
    """Return the text of the document, made at `seconds` since the epoch, or nobody says when.

    Raises `CacheError` where the library that knows the format is not installed.
    """
    try:
        from cyclonedx.output.json import JsonV1Dot6
    except ImportError as error:
        raise CacheError(
            'That needs cyclonedx-python-lib, which is not installed.\n'
            'Get it with: pip install "egg.cache[release]"'
        ) from error
    bom = _bom(composition)
    # Otherwise the library takes the time of now, and a random number.
    time = None if seconds is None else datetime.fromtimestamp(seconds, timezone.utc)
    bom.metadata.timestamp = time
    bom.serial_number = uuid.UUID(int=0)
    bom.serial_number = uuid.uuid5(_NAMESPACE, JsonV1Dot6(bom).output_as_string())
    return str(JsonV1Dot6(bom).output_as_string(indent=2)) + '\n'


def _bom(composition: Composition) -> Any:
    from cyclonedx.model.bom import Bom, BomMetaData
    from cyclonedx.model.component import Component as Part
    from cyclonedx.model.component import ComponentType
    from cyclonedx.model.tool import ToolRepository

    tool = Part(name='egg.cache', version=version('egg.cache'), type=ComponentType.APPLICATION)
    whole = Part(
        name=composition.name,
        version=composition.version or None,
        type=ComponentType.APPLICATION,
        bom_ref='buildout',
    )
    parts = {component.key: _part(component) for component in composition.components}
    bom = Bom(
        components=parts.values(),
        metadata=BomMetaData(tools=ToolRepository(components=[tool]), component=whole),
    )
    direct, edges = dependencies.graph(
        composition.components, composition.asked, composition.environment
    )
    bom.register_dependency(whole, [parts[key] for key in direct])
    for key, required in edges.items():
        bom.register_dependency(parts[key], [parts[other] for other in required])
    return bom


def _part(component: Component) -> Any:
    from cyclonedx.model.component import Component as Part
    from cyclonedx.model.component import ComponentType, Pedigree
    from packageurl import PackageURL

    project, number = component.key
    purl = PackageURL('pypi', name=project, version=number or None)
    if component.modified:
        original = _part(replace(component, modified=''))
        original.bom_ref.value = f'{purl}#original'
        return Part(
            name=component.name, version=number or None, type=ComponentType.LIBRARY,
            bom_ref=str(purl), licenses=_licenses(component),
            # It is no longer what the index has: that is what it was made from.
            pedigree=Pedigree(ancestors=[original], notes=component.modified),
        )  # fmt: skip
    return Part(
        name=component.name,
        version=number or None,
        type=ComponentType.LIBRARY,
        bom_ref=str(purl),
        # A stranger's project could have the name of a develop egg.
        purl=None if component.is_developed else purl,
        licenses=_licenses(component),
        external_references=_references(component),
    )


def _references(component: Component) -> list[Any]:
    """Return where the archive is to be had, with its digest.

    `hashes` of a component are those of the component itself, and an egg is not the archive that
    it was made from. Where nobody knows the URL, the name of the file stands for it.
    """
    from cyclonedx.model import (
        ExternalReference,
        ExternalReferenceType,
        HashAlgorithm,
        HashType,
        XsUri,
    )

    archive = component.archive
    place = archive.get('url') or archive.get('name')
    if not place:
        return []
    digest = archive.get('sha256')
    hashes = [HashType(alg=HashAlgorithm.SHA_256, content=digest)] if digest else []
    return [
        ExternalReference(
            type=ExternalReferenceType.DISTRIBUTION, url=XsUri(place), hashes=hashes
        )
    ]  # fmt: skip


def _licenses(component: Component) -> list[Any]:
    """Return the licences that the metadata declare: an expression, or whatever there is.

    Where the field `License` is one of the list of SPDX, a single classifier says no more.
    """
    from cyclonedx.contrib.license.factories import LicenseFactory
    from cyclonedx.model.license import LicenseAcknowledgement

    factory, declared = LicenseFactory(), LicenseAcknowledgement.DECLARED
    if component.expression:
        return [factory.make_from_string(component.expression, license_acknowledgement=declared)]
    if component.license and len(component.classifiers) <= 1:
        only = factory.make_from_string(component.license, license_acknowledgement=declared)
        if getattr(only, 'name', None) is None:
            return [only]
    texts = dict.fromkeys((component.license, *component.classifiers))
    return [
        factory.make_with_name(text, acknowledgement=declared)
        for text in texts if text not in ('', 'UNKNOWN')
    ]  # fmt: skip
